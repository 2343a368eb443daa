#pragma once

#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/reconstruct.hpp>
#include <strata/maintenance/repair_data.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/sys/fd.hpp>

#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::detail {

/// Reconstructs the missing records that a check reported.
template <class Core>
class Reconstructor {
  using LayerTraits = typename Core::LayerTraits;
  using ImageTraits = typename Core::ImageTraits;
  using ContainerTraits = typename Core::ContainerTraits;

 public:
  /// @param lost_records  kinds whose record file was damaged; kinds without a record file are added
  Reconstructor(Core& core, RepairLog& log, std::set<std::string>& lost_records, Control control)
      : core_(core), log_(log), lost_records_(lost_records), control_(std::move(control)) {}

  /// Reconstructs records of files that another record refers to, or whose record file is lost.
  void run(CheckReport const& report, StoreSnapshot<Core> const& records) {
    std::set<std::string> wanted;
    std::vector<std::string> candidates;
    for (auto const& row : records.layers.rows) candidates.push_back(row.id);
    for (auto const& found : report.problems) {
      if (found.kind == ProblemKind::layer_unaccounted) candidates.push_back(found.id);
      bool const names_other = found.kind == ProblemKind::parent_missing ||
                               found.kind == ProblemKind::image_layer_missing ||
                               found.kind == ProblemKind::container_layer_missing;
      if (found.action != RepairAction::repair || found.inherited) continue;
      if (found.kind == ProblemKind::layer_unaccounted) wanted.insert(found.id);
      if (names_other) wanted.insert(found.about);
    }
    std::set<std::string> seen;
    while (!wanted.empty()) {
      std::string const id = *wanted.begin();
      wanted.erase(wanted.begin());
      if (!seen.insert(id).second || records.layers.find(id) != nullptr || !is_safe_component(id)) continue;
      attempt(Subject::layer, id, [&] {
        if (!core_.driver().exists(LayerId(id))) return;
        auto record = reconstructed_layer(core_, LayerId(id), candidates, control_);
        if (record.parent.empty() && record.diff_digest.empty()) record.parent = image_below(id, records);
        if (!record.parent.empty()) wanted.insert(record.parent);
        log_.did("layer " + id + ": made its record anew" +
                 (record.parent.empty() ? "" : ", with parent " + record.parent));
        put<LayerTraits>(std::move(record));
      });
    }
    // A missing record file is not reported as unreadable: the store looks empty.
    if (records.images.rows.empty()) lost_records_.insert("image");
    if (records.containers.rows.empty()) lost_records_.insert("container");
    if (lost_records_.contains("image")) reconstruct_images(report);
    if (lost_records_.contains("container")) reconstruct_containers(report);
  }

 private:
  /// Top layer of the image that this layer's container was created from, for a driver that does not know
  /// parents.
  static std::string image_below(std::string const& layer, StoreSnapshot<Core> const& records) {
    for (auto const& container : records.containers.rows)
      if (container.layer == layer)
        if (auto const* const image = records.images.find(container.image)) return image->top_layer;
    return {};
  }
  template <class Work>
  void attempt(Subject subject, std::string const& id, Work&& work) {
    log_.attempt("making a record of " + std::string(to_text(subject)) + ' ' + id, subject, id, [&] {
      try {
        work();
      } catch (std::system_error const& error) {
        log_.records_to_come = log_.records_to_come || sys::is_transient(error);
        throw;
      }
    });
  }
  void reconstruct_images(CheckReport const& report) {
    auto const records = StoreSnapshot<Core>::read(core_);
    for (auto const& id : orphans<ImageTraits>(report))
      attempt(Subject::image, id, [&] {
        if (auto record = reconstructed_image(core_, id, records.layers.rows)) {
          log_.did("image " + id + ": made its record anew, with top layer " + record->top_layer);
          put<ImageTraits>(*std::move(record));
        }
      });
  }
  void reconstruct_containers(CheckReport const& report) {
    auto const records = StoreSnapshot<Core>::read(core_);
    for (auto const& id : orphans<ContainerTraits>(report))
      attempt(Subject::container, id, [&] {
        if (auto record = reconstructed_container(core_, id, records.layers.rows, records.images.rows,
                                                  records.containers.rows)) {
          log_.did("container " + id + ": made its record anew, with layer " + record->layer);
          put<ContainerTraits>(*std::move(record));
        }
      });
  }
  template <class Traits>
  std::vector<std::string> orphans(CheckReport const& report) const {
    std::vector<std::string> ids;
    auto const directory = core_.template kind_directory<Traits>();
    for (auto const& found : report.problems)
      if (fs::path const path(found.id); found.kind == ProblemKind::orphan && path.parent_path() == directory)
        ids.push_back(path.filename().native());
    return ids;
  }
  template <class Traits>
  void put(typename Traits::Record record) {
    auto table = core_.template table<Traits>().write();
    if (table.by_id(record.id)) return;
    table.put(std::move(record));
    table.commit(core_.flush());
  }

  Core& core_;
  RepairLog& log_;
  std::set<std::string>& lost_records_;
  Control control_;
};

}  // namespace strata::detail

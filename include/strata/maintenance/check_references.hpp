#pragma once

#include <strata/id.hpp>
#include <strata/maintenance/check_data.hpp>
#include <strata/maintenance/check_layers.hpp>
#include <strata/maintenance/check_report.hpp>
#include <strata/maintenance/problem_list.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/progress.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::detail {

/// Checks images and containers: their records, big data and layers. Layers must be checked first, since an
/// image or container inherits the problems of those that it needs.
template <class Core>
class ReferenceChecker {
  using ImageTraits = typename Core::ImageTraits;
  using ContainerTraits = typename Core::ContainerTraits;

 public:
  ReferenceChecker(Core& core, CheckOptions const& options, StoreSnapshot<Core> const& records,
                   ProblemList& problems)
      : core_(core), options_(options), records_(records), problems_(problems) {}

  void run() {
    auto image_data = damaged_data<ImageTraits>(core_, records_.images.rows, control());
    for (auto const& image : records_.images.rows) check_image(image, image_data[image.id]);
    for (auto const& [id, image] : records_.images.others) {
      if (records_.images.has_own(id)) continue;
      problems_.read_only([&] {
        std::vector<Problem> data;
        check_big_data<ImageTraits>(image.record, image.directory / id, data);
        check_image(image.record, data);
      });
    }
    auto container_data = damaged_data<ContainerTraits>(core_, records_.containers.rows, control());
    for (auto const& container : records_.containers.rows) {
      problems_.add_all(container_data[container.id]);
      check_container(container);
    }
  }

 private:
  Control control() const { return {.progress = {}, .stop = options_.stop}; }

  void check_image(ImageRecord const& image, std::vector<Problem> const& data) {
    control().check();
    auto const name = "image " + image.id + ": ";
    auto const tell = [&](Severity severity, ProblemKind kind, std::string const& text,
                          RepairAction action) -> Problem& {
      return problems_.add(severity, Subject::image, image.id, kind, name + text, action);
    };
    if (!image.digest.empty() && !is_valid_digest(image.digest))
      tell(Severity::error, ProblemKind::digest_invalid, "recorded digest \"" + image.digest + "\" is none",
           RepairAction::repair);
    problems_.add_all(data);
    for (auto const& id : image.mapped_top_layers)
      if (records_.layers.find(id) == nullptr)
        tell(Severity::warning, ProblemKind::mapped_layer_missing, "layer " + id + ": image layer is missing",
             RepairAction::repair)
            .about = id;
    std::set<std::string_view> seen;
    for (std::string_view id = image.top_layer; !id.empty() && seen.insert(id).second;) {
      auto const* const layer = records_.layers.find(id);
      if (layer == nullptr) {
        tell(Severity::error, ProblemKind::image_layer_missing,
             "layer " + std::string(id) + ": image layer is missing",
             driver_has(core_, problems_, std::string(id)) ? RepairAction::repair : RepairAction::none)
            .about = id;
        break;
      }
      problems_.inherit(Subject::layer, layer->id, Subject::image, image.id);
      id = layer->parent;
    }
  }

  void check_container(ContainerRecord const& container) {
    control().check();
    auto const tell = [&](ProblemKind kind, std::string text, std::string const& about, RepairAction action) {
      problems_.add(Severity::error, Subject::container, container.id, kind, std::move(text), action).about =
          about;
    };
    if (!container.image.empty()) {
      if (records_.images.find(container.image) == nullptr)
        tell(ProblemKind::image_missing, "image " + container.image + ": image missing", container.image,
             RepairAction::none);
      else
        problems_.inherit(Subject::image, container.image, Subject::container, container.id);
    }
    if (records_.layers.find(container.layer) == nullptr)
      tell(ProblemKind::container_layer_missing,
           "container " + container.id + ": layer " + container.layer + ": container layer is missing",
           container.layer,
           driver_has(core_, problems_, container.layer) ? RepairAction::repair : RepairAction::none);
    else
      problems_.inherit(Subject::layer, container.layer, Subject::container, container.id);
  }

  Core& core_;
  CheckOptions const& options_;
  StoreSnapshot<Core> const& records_;
  ProblemList& problems_;
};

}  // namespace strata::detail

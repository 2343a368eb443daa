#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/durability.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/check_data.hpp>
#include <strata/maintenance/check_leftovers.hpp>
#include <strata/maintenance/check_report.hpp>
#include <strata/maintenance/compare_trees.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/progress.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/known_ids.hpp>
#include <strata/store/over_former.hpp>
#include <strata/store/own_tree_signature.hpp>
#include <strata/sys/fd.hpp>
#include <strata/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

/// Consistency check of a store. Works on any damage: records are read directly from disk, and nothing is
/// mounted.
namespace strata {

namespace detail {

template <class Core>
class Checker {
  using LayerTraits = typename Core::LayerTraits;
  using ImageTraits = typename Core::ImageTraits;
  using ContainerTraits = typename Core::ContainerTraits;

 public:
  /// @param trees  for a caller that goes on to repair: receives the state of each layer's tree before it was
  ///   compared
  explicit Checker(Core& core, CheckOptions const& options, TreeSignatures* trees = nullptr)
      : core_(core), options_(options), trees_(trees), records_(StoreSnapshot<Core>::read(core)) {}

  /// The snapshot that the report refers to.
  StoreSnapshot<Core> take_records() noexcept { return std::move(records_); }

  CheckReport run() {
    add_all(records_.layers.problems);
    add_all(records_.images.problems);
    add_all(records_.containers.problems);
    auto const own = core_.template kind_directory<LayerTraits>();
    layer_data_ = damaged_data<LayerTraits>(records_.layers.rows);
    std::uint64_t done = 0;
    auto const tell_progress = [&] {
      if (options_.progress) options_.progress({.phase = Phase::check, .entries = ++done});
    };
    for (auto const& layer : records_.layers.rows) {
      unless_changed(layer, [&] { unless_unreadable(layer.id, [&] { check_layer(layer, own, false); }); });
      tell_progress();
    }
    for (auto const& [id, layer] : records_.layers.others) {
      if (records_.layers.has_own(id)) continue;
      read_only([&] { unless_unreadable(id, [&] { check_layer(layer.record, layer.directory, true); }); });
      tell_progress();
    }
    if (options_.digests && (!options_.quick || !broken_.empty())) check_trees();
    forget_changed_layers();
    auto image_data = damaged_data<ImageTraits>(records_.images.rows);
    for (auto const& image : records_.images.rows) check_image(image, image_data[image.id]);
    for (auto const& [id, image] : records_.images.others) {
      if (records_.images.has_own(id)) continue;
      read_only([&] {
        std::vector<Problem> data;
        check_big_data<ImageTraits>(image.record, image.directory / id, data);
        check_image(image.record, data);
      });
    }
    auto container_data = damaged_data<ContainerTraits>(records_.containers.rows);
    for (auto const& container : records_.containers.rows) {
      add_all(container_data[container.id]);
      check_container(container);
    }
    for (auto const what : {&Checker::check_unaccounted, &Checker::check_claims, &Checker::check_mounts}) {
      try {
        (this->*what)();
      } catch (std::system_error const& error) {
        if (!sys::is_transient(error)) throw;
        add(Severity::error, Subject::store, core_.options().graph_root.native(), ProblemKind::unreadable,
            error.what(), RepairAction::none);
      }
    }
    return finish();
  }

 private:
  Control control() const { return {.progress = {}, .stop = options_.stop}; }

  void add_all(std::vector<Problem> const& found) {
    report_.problems.insert(report_.problems.end(), found.begin(), found.end());
  }
  Problem& add(Severity severity, Subject subject, std::string id, ProblemKind kind, std::string text,
               RepairAction action) {
    return tell_of(report_.problems, severity, subject, std::move(id), kind, std::move(text), action);
  }

  /// Runs `look` and marks every problem it reports as one of a read-only store.
  template <class Look>
  void read_only(Look&& look) {
    auto const before = report_.problems.size();
    look();
    for (auto at = before; at < report_.problems.size(); ++at) {
      auto& found = report_.problems[at];
      if (!found.read_only && !found.inherited) found.text = "read-only " + found.text;
      found.read_only = true;
      found.action = RepairAction::none;
    }
  }

  // Concurrent changes
  // -------------------------------------------------------------------------------------------

  static bool same_layer(LayerRecord const& one, LayerRecord const* other) {
    return other != nullptr && one.created == other->created && one.diff_digest == other->diff_digest &&
           one.parent == other->parent;
  }

  /// Ignores errors from files that vanish during the check, if their layer was removed.
  template <class Look>
  void unless_changed(LayerRecord const& layer, Look&& look) {
    try {
      look();
    } catch (Error const& error) {
      if (error.code() == Errc::stopped ||
          same_layer(layer, read_kept_records<LayerTraits>(core_).find(layer.id)))
        throw;
    }
  }

  /// Drops the problems of layers that were removed, filled or replaced during the check.
  void forget_changed_layers() {
    auto const is_own = [this](Problem const& f) {
      return f.subject == Subject::layer && !f.read_only && records_.layers.has_own(f.id);
    };
    if (std::ranges::none_of(report_.problems, is_own)) return;
    auto const now = read_kept_records<LayerTraits>(core_);
    std::erase_if(report_.problems, [&](Problem const& f) {
      return is_own(f) && !same_layer(*records_.layers.find(f.id), now.find(f.id));
    });
  }

  /// Problems of the items' big data, by id. A chunk is replaced before its record, so an apparent problem is
  /// checked again with writers locked out.
  template <class Traits>
  std::map<std::string, std::vector<Problem>> damaged_data(
      std::vector<typename Traits::Record> const& rows) const {
    std::map<std::string, std::vector<Problem>> found;
    auto const look_at = [&](typename Traits::Record const& row) {
      control().check();
      std::vector<Problem> problems;
      check_big_data<Traits>(row, core_.template kind_directory<Traits>() / row.id, problems);
      return problems;
    };
    for (auto const& row : rows)
      if (auto problems = look_at(row); !problems.empty()) found.emplace(row.id, std::move(problems));
    if (found.empty()) return found;
    HeldRecords<Traits, Core> const held(core_);
    auto const now = held.read();
    for (auto& [id, problems] : found) {
      problems.clear();
      if (now.has_own(id)) problems = look_at(*now.find(id));
    }
    return found;
  }

  // Layers --------------------------------------------------------------------------------------------------

  /// Reports transient errors as `ProblemKind::unreadable`.
  template <class Look>
  void unless_unreadable(std::string const& id, Look&& look) {
    try {
      look();
    } catch (std::system_error const& error) {
      if (!sys::is_transient(error)) throw;
      auto text = "layer " + id + ": " + error.what();
      if (told_.insert(text).second)
        add(Severity::error, Subject::layer, id, ProblemKind::unreadable, std::move(text),
            RepairAction::none);
    }
  }

  /// True if the driver has the layer, or if that cannot be determined, which is reported.
  bool driver_has(std::string const& id) {
    bool has = is_safe_component(id);
    if (has) unless_unreadable(id, [&] { has = core_.driver().exists(LayerId(id)); });
    return has;
  }

  /// @param directory  data directory of the layers
  void check_layer(LayerRecord const& layer, std::filesystem::path const& directory, bool other) {
    control().check();
    auto const name = "layer " + layer.id + ": ";
    auto const tell = [&](Severity severity, ProblemKind kind, std::string const& text,
                          RepairAction action) -> Problem& {
      return add(severity, Subject::layer, layer.id, kind, name + text, action);
    };
    if (is_set(layer.flags, "incomplete"))
      tell(Severity::error, ProblemKind::layer_incomplete, "layer is incomplete", RepairAction::discard);
    auto const ancestors = records_.ancestors(layer);
    if (!ancestors) tell_of_ancestors(layer);
    for (auto const* digest : {&layer.diff_digest, &layer.compressed_diff_digest})
      if (!digest->empty() && !is_valid_digest(*digest))
        tell(Severity::error, ProblemKind::digest_invalid, "recorded digest \"" + *digest + "\" is none",
             RepairAction::repair);
    bool const has_tree = core_.driver().exists(LayerId(layer.id));
    if (!has_tree)
      tell(Severity::error, ProblemKind::tree_missing, "its files are missing", RepairAction::none);
    else if (!other)
      inspect(layer, ancestors);
    if (other)
      check_big_data<LayerTraits>(layer, directory / layer.id, report_.problems);
    else
      add_all(layer_data_[layer.id]);
    if (options_.digests && has_tree) {
      auto const recorded = Core::tar_split(directory, layer.id);
      auto content = check_layer_content(core_, layer, recorded, control());
      add_all(content.problems);
      if (content.headers)
        headers_.emplace(layer.id, KeptHeaders{*std::move(content.headers), is_over_former(recorded)});
      if (!content.sum) broken_.insert(layer.id);
    }
    if (options_.unreferenced_after && !other && !needed().contains(layer.id)) {
      auto const now = Timestamp::now();
      std::chrono::seconds const age(now.seconds - layer.created.seconds);
      auto const exact = age > std::chrono::hours(24 * 365)  // a record without a time is 2,000 years old
                             ? std::chrono::nanoseconds::max()
                             : age + std::chrono::nanoseconds(now.nanoseconds - layer.created.nanoseconds);
      if (exact > *options_.unreferenced_after)
        tell(Severity::error, ProblemKind::layer_unreferenced,
             "layer not referenced by any images or containers", RepairAction::discard);
    }
  }

  void inspect(LayerRecord const& layer, std::optional<std::vector<LayerId>> const& ancestors) {
    auto problems = with_ability<std::vector<Problem>>(core_.driver(), [&](InspectDriver auto const& driver) {
      return driver.inspect(LayerId(layer.id), records_.is_mapped(layer) ? std::nullopt : ancestors);
    });
    for (auto& found : problems) {
      found.subject = Subject::layer;
      found.id = layer.id;
      found.text = "layer " + layer.id + ": " + found.text;
      report_.problems.push_back(std::move(found));
    }
  }

  void tell_of_ancestors(LayerRecord const& layer) {
    auto const tell = [&](ProblemKind kind, std::string text, RepairAction action) {
      add(Severity::error, Subject::layer, layer.id, kind, std::move(text), action).about = layer.parent;
    };
    if (records_.layers.find(layer.parent) == nullptr)
      return tell(ProblemKind::parent_missing, "layer " + layer.parent + ": layer is missing",
                  driver_has(layer.parent) ? RepairAction::repair : RepairAction::none);
    std::set<std::string_view> seen;
    auto const* at = &layer;
    while (at != nullptr && seen.insert(at->id).second) at = records_.layers.find(at->parent);
    if (at == &layer)
      tell(ProblemKind::parent_circle, "layer " + layer.id + ": its parents go in a circle",
           RepairAction::repair);
  }

  std::set<std::string> const& needed() {
    if (!needed_) needed_ = records_.needed_layers();
    return *needed_;
  }

  void check_trees() {
    with_ability(core_.driver(), [this](OwnTreeDriver auto const&) { compare_trees(); });
  }

  void compare_trees() {
    TreeComparison<Core>(core_, records_, headers_, control())
        .run([&](LayerRecord const& layer, auto&& compare) {
          bool goes_on = false;
          auto const look = [&] {
            unless_unreadable(layer.id, [&] {
              if (trees_ != nullptr && records_.layers.has_own(layer.id))
                if (auto signature = own_tree_signature(core_, LayerId(layer.id)))
                  trees_->emplace(layer.id, *signature);
              goes_on =
                  compare([&](auto const& text, Proves proves) { tell_difference(layer, text, proves); },
                          [&] { excuse_contents(layer); });
            });
          };
          if (records_.layers.has_own(layer.id))
            unless_changed(layer, look);
          else
            read_only(look);
          return goes_on;
        });
  }

  void tell_difference(LayerRecord const& layer, std::string const& text, Proves proves) {
    if (options_.quick) return;
    bool const repaired =
        proves == Proves::damage && !records_.is_mapped(layer) && !broken_.contains(layer.id);
    add(Severity::error, Subject::layer, layer.id,
        proves == Proves::nothing ? ProblemKind::content_foreign : ProblemKind::content_modified,
        "layer " + layer.id + ": " + text + ", layer content modified",
        repaired ? RepairAction::repair : RepairAction::none);
  }
  /// Missing files may never have been unpacked, and changed ones may belong to another entry, so they do not
  /// prove damage.
  void excuse_contents(LayerRecord const& layer) {
    for (auto& found : report_.problems)
      if (found.subject == Subject::layer && found.id == layer.id &&
          found.kind == ProblemKind::content_checksum) {
        found.kind = ProblemKind::content_unpackable;
        found.text +=
            ": not to be put right from its tar-split, which takes contents away or cannot be "
            "unpacked";
      }
  }

  // Images and containers -----------------------------------------------------------------------------------

  void check_image(ImageRecord const& image, std::vector<Problem> const& data) {
    control().check();
    auto const name = "image " + image.id + ": ";
    auto const tell = [&](Severity severity, ProblemKind kind, std::string const& text,
                          RepairAction action) -> Problem& {
      return add(severity, Subject::image, image.id, kind, name + text, action);
    };
    if (!image.digest.empty() && !is_valid_digest(image.digest))
      tell(Severity::error, ProblemKind::digest_invalid, "recorded digest \"" + image.digest + "\" is none",
           RepairAction::repair);
    add_all(data);
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
             driver_has(std::string(id)) ? RepairAction::repair : RepairAction::none)
            .about = id;
        break;
      }
      inherit(Subject::layer, layer->id, Subject::image, image.id);
      id = layer->parent;
    }
  }

  void check_container(ContainerRecord const& container) {
    control().check();
    auto const tell = [&](ProblemKind kind, std::string text, std::string const& about, RepairAction action) {
      add(Severity::error, Subject::container, container.id, kind, std::move(text), action).about = about;
    };
    if (!container.image.empty()) {
      if (records_.images.find(container.image) == nullptr)
        tell(ProblemKind::image_missing, "image " + container.image + ": image missing", container.image,
             RepairAction::none);
      else
        inherit(Subject::image, container.image, Subject::container, container.id);
    }
    if (records_.layers.find(container.layer) == nullptr)
      tell(ProblemKind::container_layer_missing,
           "container " + container.id + ": layer " + container.layer + ": container layer is missing",
           container.layer, driver_has(container.layer) ? RepairAction::repair : RepairAction::none);
    else
      inherit(Subject::layer, container.layer, Subject::container, container.id);
  }

  /// Reports the problems of an item for the items that depend on it, too.
  void inherit(Subject from, std::string_view from_id, Subject to, std::string const& to_id) {
    for (std::size_t i = 0, count = report_.problems.size(); i < count; ++i) {
      auto const& found = report_.problems[i];
      if (found.subject != from || found.id != from_id || found.severity != Severity::error) continue;
      if (found.kind == ProblemKind::layer_unreferenced) continue;
      auto copy = found;
      copy.subject = to;
      copy.id = to_id;
      copy.inherited = true;
      copy.read_only = false;  // what matters is the store of the dependent item
      report_.problems.push_back(std::move(copy));
    }
  }

  // Files without a record
  // ----------------------------------------------------------------------------------------

  void check_unaccounted() {
    // Trees first, then the current records: a layer may have been created or removed in between.
    auto const listed = core_.driver().list();
    auto const now = read_kept_records<LayerTraits>(core_);
    auto const elsewhere = KnownIds::in_other_files(core_);
    for (auto const& path : elsewhere.unreadable)
      add(Severity::error, Subject::store, path.native(), ProblemKind::record_file_damaged,
          path.native() + ": cannot be read, of stores that are opened " +
              (core_.options().transient ? "as others than transient" : "as transient"),
          RepairAction::none);
    for (auto const& id : listed)
      if (now.find(id.str()) == nullptr && records_.layers.find(id.str()) == nullptr &&
          elsewhere.all_layers && !elsewhere.layers.contains(id.str()) && driver_has(id.str())) {
        bool const wanted = is_wanted(id.str());
        // Records of transient containers are lost at each boot; their layers are garbage then.
        bool const expected = core_.options().transient && !wanted;
        add(expected ? Severity::note : Severity::error, Subject::layer, id.str(),
            ProblemKind::layer_unaccounted,
            "layer " + id.str() + ": layer in lower level storage driver not accounted for",
            wanted ? RepairAction::repair : RepairAction::discard);
      }
  }
  /// True if any record refers to this layer, or if layer records may be missing.
  bool is_wanted(std::string const& id) const {
    return std::ranges::any_of(records_.layers.rows, [&](auto const& l) { return l.parent == id; }) ||
           std::ranges::any_of(records_.images.rows,
                               [&](auto const& i) {
                                 return i.top_layer == id || names::contains(i.mapped_top_layers, id);
                               }) ||
           std::ranges::any_of(records_.containers.rows, [&](auto const& c) { return c.layer == id; }) ||
           !records_.layers.damaged.empty();
  }

  void check_claims() {
    tell_of_leftovers(core_, records_, {.leftover_after = options_.leftover_after}, report_.problems);
  }
  void check_mounts() {
    tell_of_mounts(
        core_, records_, [&](auto const& id, auto&& look) { unless_unreadable(id, look); }, report_.problems);
  }

  CheckReport finish() {
    std::ranges::stable_sort(report_.problems, [](Problem const& a, Problem const& b) {
      return std::tie(a.subject, a.id) < std::tie(b.subject, b.id);
    });
    return std::move(report_);
  }

  Core& core_;
  CheckOptions const& options_;
  TreeSignatures* trees_;
  StoreSnapshot<Core> records_;
  CheckReport report_;
  HeadersOfLayers headers_;
  std::set<std::string> broken_;                            ///< layers whose tar cannot be rebuilt
  std::map<std::string, std::vector<Problem>> layer_data_;  ///< problems of each layer's big data
  std::optional<std::set<std::string>> needed_;
  std::set<std::string> told_ = {};  ///< problems of unreadable files already reported
};

}  // namespace detail

/// Checks records, trees, contents, big data and mounts of a store.
///
/// Changes nothing, except that opening the store completes interrupted operations. Record files that cannot
/// be parsed do not stop it. Safe while other processes use the store: what they remove, fill or replace
/// meanwhile is not reported. Reads all files of all imported layers unless `CheckOptions` say otherwise.
/// @throws `Errc::stopped`, `errno`
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
CheckReport check(Store<D, S, Durability, T> const& store, CheckOptions const& options = {}) {
  using Core = typename Store<D, S, Durability, T>::Core;
  return detail::Checker<Core>(store.core(), options).run();
}

}  // namespace strata

#pragma once

#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/check_data.hpp>
#include <strata/maintenance/check_report.hpp>
#include <strata/maintenance/compare_trees.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/maintenance/problem_list.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/problem.hpp>
#include <strata/progress.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/over_former.hpp>
#include <strata/store/own_tree_signature.hpp>
#include <strata/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::detail {

/// True if the driver has the layer, or if that cannot be determined, which is reported.
template <class Core>
bool driver_has(Core const& core, ProblemList& problems, std::string const& id) {
  bool has = is_safe_component(id);
  if (has) problems.unless_unreadable(id, [&] { has = core.driver().exists(LayerId(id)); });
  return has;
}

/// Checks layers: their records, the driver's own files, big data, contents against tar-splits, and trees.
template <class Core>
class LayerChecker {
  using LayerTraits = typename Core::LayerTraits;

 public:
  /// @param trees  for a caller that repairs afterwards: receives the state of each layer's tree from before
  ///   it was compared
  LayerChecker(Core& core, CheckOptions const& options, StoreSnapshot<Core> const& records,
               ProblemList& problems, TreeSignatures* trees)
      : core_(core), options_(options), records_(records), problems_(problems), trees_(trees) {}

  void run() {
    auto const own = core_.template kind_directory<LayerTraits>();
    layer_data_ = damaged_data<LayerTraits>(core_, records_.layers.rows, control());
    std::uint64_t done = 0;
    auto const tell_progress = [&] {
      if (options_.progress) options_.progress({.phase = Phase::check, .entries = ++done});
    };
    for (auto const& layer : records_.layers.rows) {
      unless_changed(layer,
                     [&] { problems_.unless_unreadable(layer.id, [&] { check_layer(layer, own, false); }); });
      tell_progress();
    }
    for (auto const& [id, layer] : records_.layers.others) {
      if (records_.layers.has_own(id)) continue;
      problems_.read_only([&] {
        problems_.unless_unreadable(id, [&] { check_layer(layer.record, layer.directory, true); });
      });
      tell_progress();
    }
    if (options_.digests && (!options_.quick || !broken_.empty())) check_trees();
    forget_changed_layers();
  }

 private:
  Control control() const { return {.progress = {}, .stop = options_.stop}; }

  // Concurrent changes --------------------------------------------------------------------------------------

  static bool same_layer(LayerRecord const& one, LayerRecord const* other) {
    return other != nullptr && one.created == other->created && one.diff_digest == other->diff_digest &&
           one.parent == other->parent;
  }

  /// Ignores errors caused by files that vanish during the check, if their layer was removed.
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

  /// Drops problems of layers that were removed, filled or replaced during the check.
  void forget_changed_layers() {
    auto const is_own = [this](Problem const& f) {
      return f.subject == Subject::layer && !f.read_only && records_.layers.has_own(f.id);
    };
    if (std::ranges::none_of(problems_.all(), is_own)) return;
    auto const now = read_kept_records<LayerTraits>(core_);
    std::erase_if(problems_.all(), [&](Problem const& f) {
      return is_own(f) && !same_layer(*records_.layers.find(f.id), now.find(f.id));
    });
  }

  // One layer -----------------------------------------------------------------------------------------------

  /// @param directory  data directory of the layers
  void check_layer(LayerRecord const& layer, fs::path const& directory, bool other) {
    control().check();
    auto const name = "layer " + layer.id + ": ";
    auto const tell = [&](Severity severity, ProblemKind kind, std::string const& text,
                          RepairAction action) -> Problem& {
      return problems_.add(severity, Subject::layer, layer.id, kind, name + text, action);
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
      check_big_data<LayerTraits>(layer, directory / layer.id, problems_.all());
    else
      problems_.add_all(layer_data_[layer.id]);
    if (options_.digests && has_tree) {
      auto const recorded = Core::tar_split(directory, layer.id);
      auto content = check_layer_content(core_, layer, recorded, control());
      problems_.add_all(content.problems);
      if (content.headers)
        headers_.emplace(layer.id, KeptHeaders{*std::move(content.headers), is_over_former(recorded)});
      if (!content.sum) broken_.insert(layer.id);
    }
    if (options_.unreferenced_after && !other && !needed().contains(layer.id)) {
      auto const now = Timestamp::now();
      std::chrono::seconds const age(now.seconds - layer.created.seconds);
      auto const exact = age > std::chrono::hours(24 * 365)  // without a time: 2,000 years
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
      problems_.all().push_back(std::move(found));
    }
  }

  void tell_of_ancestors(LayerRecord const& layer) {
    auto const tell = [&](ProblemKind kind, std::string text, RepairAction action) {
      problems_.add(Severity::error, Subject::layer, layer.id, kind, std::move(text), action).about =
          layer.parent;
    };
    if (records_.layers.find(layer.parent) == nullptr)
      return tell(ProblemKind::parent_missing, "layer " + layer.parent + ": layer is missing",
                  driver_has(core_, problems_, layer.parent) ? RepairAction::repair : RepairAction::none);
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
            problems_.unless_unreadable(layer.id, [&] {
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
            problems_.read_only(look);
          return goes_on;
        });
  }

  void tell_difference(LayerRecord const& layer, std::string const& text, Proves proves) {
    if (options_.quick) return;
    bool const repaired =
        proves == Proves::damage && !records_.is_mapped(layer) && !broken_.contains(layer.id);
    problems_.add(Severity::error, Subject::layer, layer.id,
                  proves == Proves::nothing ? ProblemKind::content_foreign : ProblemKind::content_modified,
                  "layer " + layer.id + ": " + text + ", layer content modified",
                  repaired ? RepairAction::repair : RepairAction::none);
  }
  /// Missing files may never have been unpacked, and changed ones may belong to another entry, so they do not
  /// prove damage.
  void excuse_contents(LayerRecord const& layer) {
    for (auto& found : problems_.all())
      if (found.subject == Subject::layer && found.id == layer.id &&
          found.kind == ProblemKind::content_checksum) {
        found.kind = ProblemKind::content_unpackable;
        found.text +=
            ": not to be put right from its tar-split, which takes contents away or cannot be "
            "unpacked";
      }
  }

  Core& core_;
  CheckOptions const& options_;
  StoreSnapshot<Core> const& records_;
  ProblemList& problems_;
  TreeSignatures* trees_;
  HeadersOfLayers headers_ = {};
  std::set<std::string> broken_ = {};                            ///< layers whose tar cannot be rebuilt
  std::map<std::string, std::vector<Problem>> layer_data_ = {};  ///< problems of their big data
  std::optional<std::set<std::string>> needed_ = {};
};

}  // namespace strata::detail

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/error.hpp>
#include <strata/former.hpp>
#include <strata/id.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/shift.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/progress.hpp>
#include <strata/records/layer.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/compare_memory_trees.hpp>
#include <strata/tree/load_tree.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/unpack_headers.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Compares the trees of layers, from the base up, with what their tars unpack to.
namespace strata::detail {

/// What a difference between a layer's tree and its archive proves.
enum class Proves {
  damage,   ///< an archived file is missing or changed; unpacking again repairs it
  nothing,  ///< an addition, whiteout or change that is not in the archive
  refused,  ///< the archive cannot be unpacked by strata, or not onto this tree: nothing to compare with
};

/// Tar headers of a layer, from its tar-split.
struct KeptHeaders {
  std::vector<archive::TarHeader> headers = {};
  bool over_former = false;  ///< see `is_over_former`
};
using HeadersOfLayers = std::map<std::string, KeptHeaders>;  // by layer id

/// Compares each layer with its archive. A layer that was never imported is taken as it is, and the layers
/// above it are compared as if it were intact. Memory: two trees for each branching point of the layer graph.
template <class Core>
class TreeComparison {
 public:
  /// @param headers  of the layers that have a tar-split
  TreeComparison(Core& core, StoreSnapshot<Core> const& records, HeadersOfLayers const& headers,
                 Control control)
      : core_(core), records_(records), headers_(headers), control_(std::move(control)) {
    for (auto const& [id, kept] : headers_)
      for (auto const* at = records_.layers.find(id);
           at != nullptr && below_archives_.insert(at->parent).second;)
        at = records_.layers.find(at->parent);
  }

  /// Calls `look(layer, compare)` for each layer, parents first.
  ///
  /// `compare(tell, refused)` reads the layer's tree and calls `tell(text, proves)` for each difference. It
  /// calls `refused()` if missing or changed contents prove no damage: strata would not unpack the archive,
  /// or the tree is as release 1.43 unpacks it, where one entry can remove another's contents. Children are
  /// visited only if `look` returns true; it must return what `compare` returned. Differences inherited from
  /// a parent are not reported again.
  template <class Look>
  void run(Look&& look) {
    std::map<std::string, std::vector<LayerRecord const*>> children;
    for (auto const& layer : records_.layers.rows) children[layer.parent].push_back(&layer);
    for (auto const& [id, layer] : records_.layers.others)
      if (!records_.layers.has_own(id)) children[layer.record.parent].push_back(&layer.record);
    std::vector<Step> steps;
    for (auto const* root : children[""]) steps.push_back({.layer = root});
    while (!steps.empty()) {
      control_.check();
      auto step = std::move(steps.back());
      steps.pop_back();
      if (!look(*step.layer, [&](auto&& tell, auto&& refused) { return compare(step, tell, refused); }))
        continue;
      auto const& above = children[step.layer->id];
      for (auto const* child : above)
        steps.push_back(child == above.back()
                            ? Step{child, std::move(step.wanted), std::move(step.found), step.differs}
                            : Step{child, step.wanted, step.found, step.differs});
    }
  }

 private:
  struct Step {
    LayerRecord const* layer;
    archive::MemoryTree wanted = archive::MemoryTree();  ///< of the parents, then with this layer
    archive::MemoryTree found = archive::MemoryTree();
    bool differs = false;  ///< expected and actual trees of the parents differ
  };
  /// Expected tree of a layer, by one of the two rule sets.
  struct Wanted {
    archive::MemoryTree tree;
    std::set<std::string> told;  ///< paths of the archive's entries
    bool by_us = true;           ///< by strata's rules
    bool is_refused = false;     ///< rejected by strata's rules
    std::vector<archive::Difference> differences = {};
  };

  /// @return  false if the layers above cannot be compared, or need not be
  template <class Tell, class Refused>
  bool compare(Step& step, Tell&& tell, Refused&& refused) const {
    auto const& layer = *step.layer;
    bool const mapped = records_.is_mapped(layer);
    auto const tree = own_tree_of(core_.driver(), LayerId(layer.id));
    if (!tree || (!tree->whole && mapped)) return false;
    auto const owners = [&](std::int64_t uid, std::int64_t gid) {
      return std::pair(idmap::to_container(layer.uidmap, uid).value_or(uid),
                       idmap::to_container(layer.gidmap, gid).value_or(gid));
    };
    auto const form = tree->whole ? archive::TreeForm::whole : archive::TreeForm::changes;
    auto loaded = archive::load_tree(tree->path, form, owners);
    auto const headers = headers_.find(layer.id);
    auto const below = step.differs ? std::optional(step.found) : std::nullopt;
    if (tree->whole)
      step.found = loaded;
    else
      lay_over(step.found, loaded);
    archive::Compared compared{.owners = tree->keeps_owners, .modes = tree->keeps_modes};
    if (mapped)
      compared.shown_owner = [&](std::int64_t uid, std::int64_t gid) {
        return std::pair(shown(layer.uidmap, uid), shown(layer.gidmap, gid));
      };
    auto const closest_over = [&](archive::MemoryTree const& lower) {
      return headers == headers_.end() ? std::nullopt
                                       : closest(lower, headers->second, form, loaded, step.found, compared);
    };
    auto wanted = closest_over(step.wanted);
    if (!wanted) {
      if (headers != headers_.end()) refused();
      // Filled by other means than a tar, or already reported.
      if (tree->whole)
        step.wanted = std::move(loaded);
      else
        lay_over(step.wanted, loaded);
      return below_archives_.contains(layer.id);
    }
    auto& differences = wanted->differences;
    if (below && !differences.empty()) {
      auto const others = closest_over(*below);
      std::erase_if(differences, [&](auto const& one) {
        return others && std::ranges::none_of(others->differences,
                                              [&](auto const& other) { return other.path == one.path; });
      });
    }
    step.differs = step.differs || !differences.empty();
    bool const over_former = headers->second.over_former;
    std::vector<Proves> proofs;
    for (auto const& difference : differences) proofs.push_back(proof_of(difference, *wanted, form, loaded));
    bool const is_damaged = std::ranges::find(proofs, Proves::damage) != proofs.end();
    if (!wanted->by_us && (wanted->is_refused || !is_damaged)) refused();
    for (std::size_t i = 0; i < proofs.size(); ++i) {
      if (proofs[i] == Proves::nothing && over_former) continue;
      tell(differences[i].text,
           proofs[i] == Proves::damage && wanted->is_refused ? Proves::refused : proofs[i]);
    }
    step.wanted = std::move(wanted->tree);
    return true;
  }

  static Proves proof_of(archive::Difference const& difference, Wanted const& wanted, archive::TreeForm form,
                         archive::MemoryTree const& loaded) {
    auto const proof = [](bool damage) { return damage ? Proves::damage : Proves::nothing; };
    auto const& path = difference.path;
    auto const told = wanted.told.lower_bound(path);
    bool const is_told = told != wanted.told.end() && *told == path;
    switch (difference.how) {
      case archive::Differs::changed:
        return proof(is_told);
      case archive::Differs::missing: {
        auto const inside = wanted.told.lower_bound(path + '/');
        return proof(is_told || (inside != wanted.told.end() && inside->starts_with(path + '/')));
      }
      case archive::Differs::added: {
        // Where the layer's own whiteout is lost, the file below shows.
        auto const own = loaded.find(path);
        return proof(form == archive::TreeForm::changes && (!own || own->is_whiteout()));
      }
    }
    return Proves::nothing;
  }

  /// Expected tree by strata's rules or by those of containers/storage, whichever is closer to the actual
  /// tree. An archive applied over earlier contents that have no archive of their own was unpacked by strata.
  /// It is applied to the layer's actual tree then: its entries must be there, wherever symbolic links led at
  /// the time.
  /// @param own    the layer's own tree
  /// @param found  the same merged with the layers below
  /// @return       none if neither rule set accepts the archive
  static std::optional<Wanted> closest(archive::MemoryTree const& below, KeptHeaders const& kept,
                                       archive::TreeForm form, archive::MemoryTree const& own,
                                       archive::MemoryTree const& found, archive::Compared const& compared) {
    auto const by = [&](bool us) {
      auto wanted = unpacked(below, kept.over_former ? &own : nullptr, kept.headers, form, us);
      if (wanted) wanted->differences = archive::differences(wanted->tree, found, compared);
      return wanted;
    };
    auto ours = by(true);
    if (kept.over_former || (ours && ours->differences.empty())) return ours;
    auto theirs = by(false);
    if (!ours && theirs) theirs->is_refused = true;
    bool const theirs_is_closer = theirs && (!ours || theirs->differences.size() < ours->differences.size());
    return theirs_is_closer ? std::move(theirs) : std::move(ours);
  }

  /// Tree after unpacking an archive; none if it is rejected.
  /// @param own  the layer's tree, if the archive was applied over earlier contents
  static std::optional<Wanted> unpacked(archive::MemoryTree const& below, archive::MemoryTree const* own,
                                        std::vector<archive::TarHeader> const& headers,
                                        archive::TreeForm form, bool by_us) {
    bool const whole = form == archive::TreeForm::whole;
    archive::ApplyOptions options{
        .whiteouts = whole ? archive::Whiteouts::execute : archive::Whiteouts::overlay,
        .former = own != nullptr ? Former::not_hidden : Former::gives_way,
        .as_reference = !by_us};
    if (!whole) options.below = std::make_shared<archive::MemoryLower>(below);
    try {
      auto made = own != nullptr ? archive::unpack_headers_again(*own, headers, std::move(options))
                                 : archive::unpack_headers(whole ? below : archive::MemoryTree(), headers,
                                                           std::move(options));
      if (!whole) {
        auto over = below;
        lay_over(over, made.tree);
        made.tree = std::move(over);
      }
      return Wanted{.tree = std::move(made.tree), .told = std::move(made.told), .by_us = by_us};
    } catch (Error const&) {
      return std::nullopt;
    }
  }
  /// Owner as an id-mapped copy stores it if its maps do not cover the id (`idmap::Shift`).
  static std::int64_t shown(IdMap const& map, std::int64_t id) {
    if (idmap::to_host(map, id)) return id;
    return idmap::to_container(map, idmap::overflow_id).value_or(idmap::overflow_id);
  }

  Core& core_;
  StoreSnapshot<Core> const& records_;
  HeadersOfLayers const& headers_;
  Control control_;
  std::set<std::string> below_archives_;  ///< layers below one that has a tar-split
};

}  // namespace strata::detail

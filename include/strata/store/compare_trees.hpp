#pragma once

#include <strata/archive/sparse_body.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/tree_path.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/check_driver.hpp>
#include <strata/id.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/shift.hpp>
#include <strata/item/layer.hpp>
#include <strata/progress.hpp>
#include <strata/store/store_records.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/compare_memory_trees.hpp>
#include <strata/tree/load_tree.hpp>
#include <strata/tree/memory_tree.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Whether layers are, from the lowest up, what their tars say.
namespace strata::detail {

/// What was kept of a layer's tar.
struct KeptHeaders {
  std::vector<archive::TarHeader> headers = {};
  bool over_former = false;  ///< see `is_over_former`
};
using HeadersOfLayers = std::map<std::string, KeptHeaders>;  // by id

/// A layer that was never a tar is what it is, and those over it are compared as if it were right. Memory: that of two trees,
/// for each place where layers part.
template <class Core>
requires CheckDriver<typename Core::Driver>
class TreeComparison {
 public:
  /// @param headers  of those layers that have them
  TreeComparison(Core& core, StoreRecords<Core> const& records, HeadersOfLayers const& headers,
                 Control control)
      : core_(core), records_(records), headers_(headers), control_(std::move(control)) {
    for (auto const& [id, kept] : headers_)
      for (auto const* at = records_.layers.find(id);
           at != nullptr && below_archives_.insert(at->parent).second;)
        at = records_.layers.find(at->parent);
  }

  /// Calls `look(layer, compare)` for each layer, after its parent; `compare(tell)` reads the layer's tree and calls
  /// `tell(text, alone)` for each difference; not alone: there is more in the tree, of which its archive does not tell.
  /// What stands on the layer is gone through if `look` returns true, which is to be what
  /// `compare` returned.
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
      if (!look(*step.layer, [&](auto&& tell) { return compare(step, tell); })) continue;
      auto const& above = children[step.layer->id];
      for (auto const* child : above)
        steps.push_back(child == above.back() ? Step{child, std::move(step.wanted), std::move(step.found)}
                                              : Step{child, step.wanted, step.found});
    }
  }

 private:
  struct Step {
    LayerRecord const* layer;
    archive::MemoryTree wanted = archive::MemoryTree();  ///< of what lies below, then with the layer
    archive::MemoryTree found = archive::MemoryTree();
  };

  /// @return  false if nothing is known of what is over the layer, or nobody asks
  template <class Tell>
  bool compare(Step& step, Tell&& tell) const {
    auto const& layer = *step.layer;
    bool const mapped = records_.is_mapped(layer);
    auto const tree = core_.driver().own_tree(LayerId(layer.id));
    if (!tree || (!tree->whole && mapped)) return false;
    auto const owners = [&](std::int64_t uid, std::int64_t gid) {
      return std::pair(idmap::to_container(layer.uidmap, uid).value_or(uid),
                       idmap::to_container(layer.gidmap, gid).value_or(gid));
    };
    auto const form = tree->whole ? archive::TreeForm::whole : archive::TreeForm::changes;
    auto loaded = archive::load_tree(tree->path, form, owners);
    auto const headers = headers_.find(layer.id);
    auto wanted =
        headers == headers_.end() ? std::nullopt : unpacked(step.wanted, headers->second.headers, form);
    if (tree->whole)
      step.found = loaded;
    else
      lay_over(step.found, loaded);
    if (!wanted) {
      // What was put in by other means than a tar, or is told of already.
      if (tree->whole)
        step.wanted = std::move(loaded);
      else
        lay_over(step.wanted, loaded);
      return below_archives_.contains(layer.id);
    }
    archive::Compared compared{.owners = tree->keeps_owners, .modes = tree->keeps_modes};
    if (mapped)
      compared.shown_owner = [&](std::int64_t uid, std::int64_t gid) {
        return std::pair(shown(layer.uidmap, uid), shown(layer.gidmap, gid));
      };
    auto texts = archive::differences(*wanted, step.found, compared);
    if (!texts.empty() && !tree->whole) {
      // To containers/storage and the kernel, a root that hides all below it is like any other.
      auto others = headers->second.headers;
      std::erase_if(others,
                    [](auto const& h) { return archive::path_in_tree(h.name) == archive::whiteout_opaque; });
      if (others.size() != headers->second.headers.size())
        if (auto theirs = unpacked(step.wanted, others, form))
          if (archive::differences(*theirs, step.found, compared).empty()) {
            wanted = std::move(theirs);
            texts.clear();
          }
    }
    auto const all = texts.size();
    if (all != 0 && headers->second.over_former) {
      std::set<std::string> own;
      for (auto const& header : headers->second.headers) own.emplace(archive::path_in_tree(header.name));
      compared.counts = [&](std::string const& path) { return own.contains(path); };
      texts = archive::differences(*wanted, step.found, compared);
      if (texts.empty()) wanted = step.found;
    }
    step.wanted = *std::move(wanted);
    for (auto const& text : texts) tell(text, texts.size() == all);
    return true;
  }

  /// What unpacking an archive over a tree makes of it; nothing if we would not unpack it, as others may have done.
  static std::optional<archive::MemoryTree> unpacked(archive::MemoryTree const& below,
                                                     std::vector<archive::TarHeader> const& headers,
                                                     archive::TreeForm form) {
    try {
      if (form == archive::TreeForm::whole)
        return unpack(below, headers, {.whiteouts = archive::Whiteouts::execute});
      auto const own = unpack(
          archive::MemoryTree(), headers,
          {.whiteouts = archive::Whiteouts::overlay, .below = std::make_shared<archive::MemoryLower>(below)});
      auto over = below;
      lay_over(over, own);
      return over;
    } catch (Error const&) {
      return std::nullopt;
    }
  }
  static archive::MemoryTree unpack(archive::MemoryTree onto, std::vector<archive::TarHeader> const& headers,
                                    archive::ApplyOptions options) {
    struct Zeros final : archive::SparseBody {
      explicit Zeros(std::int64_t size) : left(static_cast<std::uint64_t>(size)) {}
      Bytes next() override { return {}; }
      std::uint64_t pass_hole() override { return std::exchange(left, 0); }
      std::uint64_t left;
    };
    archive::BasicApplier<archive::MemoryTree> applier(std::move(onto), std::move(options));
    for (auto const& header : headers) {
      Zeros body(header.size);
      applier.add(header, body);
    }
    applier.finish();
    return std::move(applier.tree());
  }
  /// As a copy with other owners shows an owner that its maps may not have (`idmap::Shift`).
  static std::int64_t shown(IdMap const& map, std::int64_t id) {
    if (idmap::to_host(map, id)) return id;
    return idmap::to_container(map, idmap::overflow_id).value_or(idmap::overflow_id);
  }

  Core& core_;
  StoreRecords<Core> const& records_;
  HeadersOfLayers const& headers_;
  Control control_;
  std::set<std::string> below_archives_;  ///< layers that have one with a recorded tar above them
};

}  // namespace strata::detail

#pragma once

#include <strata/error.hpp>
#include <strata/maintenance/compare_trees.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/load_tree.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/resolve.hpp>

#include "chain.hpp"
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// What a chain should look like, layer by layer.
namespace layer_chains {

using strata::archive::MemoryTree;

/// Where the reference's own drivers differ, and so ours do.
///
/// | what                                               | overlay                       | vfs and btrfs                   |
/// |----------------------------------------------------|-------------------------------|---------------------------------|
/// | a link of the parent in the path of an entry       | a directory hides it          | it is followed                  |
/// | a file of the parent in the path of an entry       | a directory hides it          | refused                         |
/// | a link of the layer to a directory of the parent   | an entry below it is refused  | it is followed                  |
/// | a hard link to a file of the parent                | refused                       | made                            |
/// | a directory that the layer uses and does not name  | 0755, root's                  | as the parent has it            |
/// | attributes ("xattrs") of a directory in two layers | the upper layer's             | both layers'                    |
///
/// The reason for the first four is one: overlay unpacks a layer into an empty directory, and never sees the parent's tree.
/// So a chain is compared up to its first layer in which an entry's name or a hard link's target leads elsewhere in the whole
/// tree than in the layer's own.
class Expected {
 public:
  struct After {
    MemoryTree changes;  ///< what overlay shows
    MemoryTree whole;    ///< what the others have
    std::optional<std::string> changes_refused = {};
    std::optional<std::string> whole_refused = {};
    bool same_places = true;
  };

  static std::vector<After> of(Chain const& chain) {
    std::vector<After> all;
    MemoryTree changes;
    MemoryTree whole;
    bool same = true;
    for (auto const& layer : chain) {
      After after;
      auto const below = changes;
      Unpacking own(MemoryTree(), {.whiteouts = strata::archive::Whiteouts::overlay,
                                   .below = std::make_shared<strata::archive::MemoryLower>(below)});
      Unpacking all_of_it(whole, {.whiteouts = strata::archive::Whiteouts::execute});
      for (auto const& entry : layer) {
        if (!own.refused && !all_of_it.refused) same = same && places(own, entry) == places(all_of_it, entry);
        own.add(entry);
        all_of_it.add(entry);
      }
      lay_over(changes, own.take());
      whole = all_of_it.take();
      all.push_back({changes, whole, own.refused, all_of_it.refused, same});
      if (own.refused || all_of_it.refused) break;
    }
    return all;
  }

 private:
  struct Unpacking {
    strata::archive::BasicApplier<MemoryTree> applier;
    std::optional<std::string> refused = {};

    Unpacking(MemoryTree tree, strata::archive::ApplyOptions options)
        : applier(std::move(tree), std::move(options)) {}
    void add(Entry const& entry) {
      if (refused) return;
      auto body = strata::memory_source(entry.bytes);
      try {
        applier.add(entry.header, body);
      } catch (strata::Error const& error) {
        refused = error.what();
      }
    }
    MemoryTree take() {
      applier.finish();
      return applier.tree();
    }
  };

  /// Where an entry goes, and where its hard link leads.
  static std::string places(Unpacking& tree, Entry const& entry) {
    try {
      auto const path = strata::archive::path_in_tree(entry.header.name);
      strata::archive::TreePath const at(path);
      auto const found = resolve(tree.applier.tree(), at.parent);
      std::string text = strata::archive::join(found.place.path, found.rest);
      // A whiteout that is led by no link finds what it hides, or nothing.
      if (strata::archive::is_whiteout(at.base))
        return found.place.links.empty() ? std::string(at.parent) : text;
      text += found.blocked ? " blocked" : found.led_astray ? " astray" : "";
      if (entry.header.type != EntryType::hard_link) return text;
      auto const target = strata::archive::path_in_tree(entry.header.link_name);
      strata::archive::TreePath const to(target);
      auto const from = resolve(tree.applier.tree(), to.parent);
      text += " to " + strata::archive::join(from.place.path, from.rest);
      if (from.found())
        text += from.place.directory->children.contains(std::string(to.base)) ? " there" : " missing";
      return text;
    } catch (strata::Error const& error) {
      return error.what();
    }
  }
};

}  // namespace layer_chains

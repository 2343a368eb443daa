#pragma once

#include <strata/concepts/own_tree_driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/maintenance/layer_content.hpp>
#include <strata/maintenance/store_snapshot.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/over_former.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/compare_memory_trees.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/unpack_headers.hpp>

#include <set>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::detail {

/// Path of a layer's tar-split, in the store that has the layer.
template <class Core>
fs::path tar_split_of(Core const& core, StoreSnapshot<Core> const& records, std::string const& layer) {
  if (auto const other = records.layers.others.find(layer);
      other != records.layers.others.end() && !records.layers.has_own(layer))
    return Core::tar_split(other->second.directory, layer);
  return core.tar_split(layer);
}

/// True if every file of a layer's tree is in a tar-split: its own or, for a tree stored whole, one below it.
/// The layer can be restored from the archives then.
///
/// Compares names and types, and size and time of files from below in a whole tree; contents are covered by
/// digests. If in doubt, false: contents replaced by a second archive and files written by a user are in no
/// archive.
/// @throws `errno`
template <class Core>
bool is_told_by_archives(Core const& core, StoreSnapshot<Core> const& records, LayerRecord const& layer) {
  if (!has_own_trees(core.driver())) return false;
  auto const tree = own_tree_of(core.driver(), LayerId(layer.id));
  if (!tree || !sys::is_present(tree->path)) return true;  // no files
  std::vector<LayerId> chain;                              // nearest first
  if (tree->whole) {
    auto below = records.ancestors(layer);
    if (!below) return false;
    chain = std::move(*below);
  }
  chain.insert(chain.begin(), LayerId(layer.id));
  archive::MemoryTree told;
  std::set<std::string> own;  // paths of the layer's own archive
  for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
    auto const split = tar_split_of(core, records, at->str());
    own.clear();
    if (!sys::is_present(split)) continue;
    if (is_over_former(split)) return false;
    try {
      archive::ApplyOptions options;
      options.whiteouts = tree->whole ? archive::Whiteouts::execute : archive::Whiteouts::overlay;
      auto unpacked = archive::unpack_headers(std::move(told), kept_headers(split), std::move(options));
      told = std::move(unpacked.tree);
      own = std::move(unpacked.told);
    } catch (Error const& error) {
      if (sys::is_transient(error)) throw;
      return false;
    }
  }
  bool all = true;
  sys::walk(tree->path, [&](sys::Visited const& visited) {
    auto const node = told.find(visited.path);
    auto const& status = visited.status;
    all = all && node && (node->mode & S_IFMT) == (status.st_mode & S_IFMT);
    if (!all || !S_ISREG(status.st_mode) || own.contains(visited.path)) return;
    all = node->size == status.st_size && archive::detail::is_time_of(node->mtime.seconds, status.st_mtime);
  });
  return all;
}

}  // namespace strata::detail

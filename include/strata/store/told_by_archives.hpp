#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/check_driver.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/item/layer.hpp>
#include <strata/store/layer_content.hpp>
#include <strata/store/over_former.hpp>
#include <strata/store/store_records.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/unpack_headers.hpp>

#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::detail {

/// Is everything in a layer's own tree there by a recorded archive, of the layer or, in a whole tree, of one below it? Then
/// whoever has the archives can have it again. Names and kinds are looked at; the bytes are the digests' affair. When in
/// doubt, no: what an archive of ours went over is in no other one, and neither is what a user wrote.
/// @throws `errno`, if it cannot be told what is there
template <class Core>
bool is_told_by_archives(Core const& core, StoreRecords<Core> const& records, LayerRecord const& layer) {
  if constexpr (CheckDriver<typename Core::Driver>) {
    auto const tree = core.driver().own_tree(LayerId(layer.id));
    if (!tree || !sys::is_present(tree->path)) return true;  // there is nothing
    std::vector<LayerId> chain;                              // the nearest first
    if (tree->whole) {
      auto below = records.ancestors(layer);
      if (!below) return false;
      chain = std::move(*below);
    }
    chain.insert(chain.begin(), LayerId(layer.id));
    archive::MemoryTree told;
    for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
      auto const split =
          Core::tar_split(core.template kind_directory<typename Core::LayerTraits>(), at->str());
      if (!sys::is_present(split)) continue;
      if (is_over_former(split)) return false;
      try {
        archive::ApplyOptions options;
        options.whiteouts = tree->whole ? archive::Whiteouts::execute : archive::Whiteouts::overlay;
        told = archive::unpack_headers(std::move(told), kept_headers(split), std::move(options)).tree;
      } catch (Error const& error) {
        if (sys::is_transient(error)) throw;
        return false;
      }
    }
    bool all = true;
    sys::walk(tree->path, [&](sys::Visited const& visited) {
      auto const node = told.find(visited.path);
      all = all && node && (node->mode & S_IFMT) == (visited.status.st_mode & S_IFMT);
    });
    return all;
  } else {
    return false;
  }
}

}  // namespace strata::detail

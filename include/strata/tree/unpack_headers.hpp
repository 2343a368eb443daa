#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/apply_options.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/tree_path.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Unpacks an archive in memory from its headers alone.
namespace strata::archive {

/// The result of unpacking headers.
struct UnpackedHeaders {
  MemoryTree tree;
  std::set<std::string> told;  ///< paths of the tree that the archive has entries for
};

namespace detail {

/// Adds an entry with zeros as contents.
void add_header(BasicApplier<MemoryTree>& applier, TarHeader const& header);

/// Where a path leads in a tree, and the links and directories on which that depends.
struct Way {
  std::string path;  ///< without links
  std::vector<std::string> needs;

  Way(MemoryTree const& tree, TreePath const& at);
};

/// Finds the entries that may have gone elsewhere than they would in the complete tree: a later entry may
/// have removed a link on their way, or the file that a hard link refers to. Never the case for contents.
std::vector<bool> led_elsewhere(MemoryTree const& tree, std::vector<TarHeader> const& headers);

MemoryNode* look_up(MemoryTree const& tree, std::string const& path);

}  // namespace detail

/// Unpacks headers into a tree.
/// @throws as `BasicApplier`
UnpackedHeaders unpack_headers(MemoryTree onto, std::vector<TarHeader> const& headers, ApplyOptions options);

/// Unpacks headers into a tree that already contains the whole archive, which was unpacked over other
/// contents. With `Former::not_hidden` the result equals the tree, unless it was changed. Entries that can no
/// longer be applied are skipped.
UnpackedHeaders unpack_headers_again(MemoryTree onto, std::vector<TarHeader> const& headers,
                                     ApplyOptions options);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/unpack_headers.ipp>
#endif

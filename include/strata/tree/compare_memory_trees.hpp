#pragma once

#include <strata/separate.hpp>
#include <strata/tree/memory_tree.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// What to compare.
struct Compared {
  bool owners = true;
  bool modes = true;
  /// Maps an owner and group to what the tree has instead if it cannot store them; empty: it can store all.
  std::function<std::pair<std::int64_t, std::int64_t>(std::int64_t, std::int64_t)> shown_owner = {};
};

/// The state of a path of the wanted tree in the other one.
enum class Differs { added, missing, changed };

/// One difference between two trees.
struct Difference {
  Differs how = Differs::changed;
  std::string path;  ///< relative to the root
  std::string text;
};

namespace detail {

inline char type_of(MemoryNode const& node) { return static_cast<char>(header_of(node).type); }

/// True if unpacking an entry of one time may result in the other: times before 1970 become 1970
/// (`AttributeSetter`), and a file system clamps times that it cannot store.
bool is_time_of(std::int64_t wanted, std::int64_t is);

/// The differences between two nodes at one path, in the format of containers/storage.
std::string changed_attributes(MemoryNode const& wanted, MemoryNode const& is, Compared const& compared);

}  // namespace detail

/// The differences of `found` from `wanted`, in path order. The texts are "+/path", "-/path" (directories end
/// with "/") or "/path(mode:0644￫0600,…)"; a change of a non-directory is listed twice, as in
/// containers/storage. The contents of a directory that only one tree has are not listed. Of the root only
/// the type is compared, as drivers treat it differently.
std::vector<Difference> differences(MemoryTree const& wanted_tree, MemoryTree const& found_tree,
                                    Compared const& compared);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/compare_memory_trees.ipp>
#endif

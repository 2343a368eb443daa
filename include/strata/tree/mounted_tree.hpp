#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/fs.hpp>
#include <strata/id_map.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/merged_tree.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

namespace detail {

template <class Mount>
struct KeptMount {
  std::shared_ptr<Mount> mount;
};

}  // namespace detail

/// A mounted layer's files, as a `ReadableTree`. The mount ends with the last user of the tree, after the
/// tree's descriptors are closed.
/// @tparam Mount  unmounts when destroyed
template <class Mount>
class MountedTree : detail::KeptMount<Mount>, public MergedTree {
 public:
  /// @param path  of the mount point
  /// @param maps  from container ids to those that the mount shows
  /// @throws `errno`
  MountedTree(Mount mounted, fs::path const& path, IdMaps maps)
      : detail::KeptMount<Mount>{std::make_shared<Mount>(std::move(mounted))},
        MergedTree(path, std::move(maps)) {}

  Source contents(Ref directory, std::string const& name, std::string_view path) const {
    auto source = MergedTree::contents(directory, name, path);
    return source ? Source(MountedFile{{this->mount}, std::move(source)}) : std::move(source);
  }

 private:
  struct MountedFile : detail::KeptMount<Mount> {
    Source source;
    Bytes next() { return source.next(); }
  };
};

}  // namespace strata::archive

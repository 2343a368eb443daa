#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id_map.hpp>
#include <strata/idmap/range.hpp>
#include <strata/separate.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/merged_directories.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// A layer's files in directories that merge by overlayfs's rules, as a `ReadableTree`.
class MergedTree {
 public:
  struct Directory {
    std::string path = {};                ///< without a leading "/"
    std::vector<std::size_t> roots = {};  ///< that have it
  };
  using Handle = std::shared_ptr<Directory const>;
  using Ref = Directory const*;

  /// @param directories  uppermost first; opened here
  /// @param own_maps     from container ids to the ids of the files in the uppermost
  /// @param maps         the same of those below it
  /// @throws `errno`
  MergedTree(std::vector<fs::path> const& directories, IdMaps own_maps, IdMaps maps)
      : MergedTree(directories, std::move(own_maps), std::move(maps), true) {}
  /// One directory that has all files, in which overlayfs's marks have no meaning. Otherwise as above.
  MergedTree(fs::path const& whole, IdMaps maps) : MergedTree({whole}, std::move(maps), {}, false) {}
  static Ref ref(Handle const& handle) noexcept { return handle.get(); }
  Handle open_root() const { return std::make_shared<Directory>(Directory{{}, directories_.all()}); }
  /// Null, with `errno` set, unless each name of the path is that of a directory.
  Handle try_open(std::string_view path) const;
  Handle open(std::string_view path) const;
  /// Without contents if it is no directory any more. @throws `Errc::unsupported` for a redirected one
  Handle enter(Ref directory, std::string const& name, std::string_view) const;

  std::optional<struct stat> look(Ref directory, std::string const& name, std::string_view) const;
  std::string read_link(Ref directory, std::string const& name, std::string_view) const;
  std::vector<std::string> names(Ref directory, std::string_view) const;

  std::optional<TarHeader> header(Ref directory, std::string const& name, std::string_view) const;

  /// @throws also `Errc::unsupported` for a file of which only the metadata was copied up
  Source contents(Ref directory, std::string const& name, std::string_view) const;

 private:
  MergedTree(std::vector<fs::path> const& directories, IdMaps own_maps, IdMaps maps, bool has_whiteouts);

  /// As the kernel shows owners that a user namespace lacks; root stays root, as the store makes files as root.
  static std::int64_t container_id(IdMap const& map, std::int64_t id);

  /// Another program mounted the layer with `redirect_dir` or `metacopy`, which this store's options do not have.
  void check_whole(MergedDirectories::Found const& found, std::string const& path) const;

  void tell_real(TarHeader& header, std::size_t root, std::string const& path) const;

  MergedDirectories directories_;
  IdMaps own_maps_;
  IdMaps maps_;
  bool stand_ins_ = false;  ///< files may have `override_stat_xattr`
};

static_assert(ReadableTree<MergedTree>);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/merged_tree.ipp>
#endif

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id_map.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/merged_directories.hpp>
#include <strata/tree/override_stat.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_entry.hpp>

#include <algorithm>
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
  Handle try_open(std::string_view path) const {
    auto at = open_root();
    for (std::size_t from = 0; from < path.size();) {
      auto const end = std::min(path.find('/', from), path.size());
      std::string const name(path.substr(from, end - from));
      at = name.empty() || name == "." || name == ".." ? nullptr : enter(at.get(), name, path);
      errno = ENOENT;
      if (!at || at->roots.empty()) return nullptr;
      from = end + 1;
    }
    return at;
  }
  Handle open(std::string_view path) const {
    auto at = try_open(path);
    if (!at) sys::throw_errno("open", path);
    return at;
  }
  /// Without contents if it is no directory any more. @throws `Errc::unsupported` for a redirected one
  Handle enter(Ref directory, std::string const& name, std::string_view) const {
    auto path = join(directory->path, name);
    auto found = directories_.find(directory->roots, path);
    if (!found.is_directory()) found.roots.clear();
    check_whole(found, path);
    return std::make_shared<Directory>(Directory{std::move(path), std::move(found.roots)});
  }

  std::optional<struct stat> look(Ref directory, std::string const& name, std::string_view) const {
    auto const found = directories_.find(directory->roots, join(directory->path, name));
    return found ? std::optional(found.status) : std::nullopt;
  }
  std::string read_link(Ref directory, std::string const& name, std::string_view) const {
    auto const path = join(directory->path, name);
    auto const found = directories_.find(directory->roots, path);
    return found ? directories_.link(found.roots.front(), path) : std::string();
  }
  std::vector<std::string> names(Ref directory, std::string_view) const {
    return directories_.names(directory->roots, directory->path);
  }

  std::optional<TarHeader> header(Ref directory, std::string const& name, std::string_view) const {
    auto const path = join(directory->path, name);
    auto const found = directories_.find(directory->roots, path);
    auto header = found ? header_of(found.status) : std::nullopt;
    if (!header) return std::nullopt;
    if (header->type == EntryType::symlink) header->link_name = directories_.link(found.roots.front(), path);
    if (stand_ins_ && (header->type == EntryType::regular || header->type == EntryType::directory))
      tell_real(*header, found.roots.front(), path);
    auto const& maps = found.roots.front() == 0 ? own_maps_ : maps_;
    header->uid = container_id(maps.uids, header->uid);
    header->gid = container_id(maps.gids, header->gid);
    return header;
  }

  /// @throws also `Errc::unsupported` for a file of which only the metadata was copied up
  Source contents(Ref directory, std::string const& name, std::string_view) const {
    auto const path = join(directory->path, name);
    auto const found = directories_.find(directory->roots, path);
    if (!found || !S_ISREG(found.status.st_mode)) return {};
    check_whole(found, path);
    auto file = directories_.open(found.roots.front(), path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct stat status {};
    if (file && ::fstat(file.get(), &status) != 0) sys::throw_errno("stat", path);
    return file && S_ISREG(status.st_mode) ? fd_source(std::move(file)) : Source();
  }

 private:
  MergedTree(std::vector<fs::path> const& directories, IdMaps own_maps, IdMaps maps, bool has_whiteouts)
      : directories_(directories, has_whiteouts), own_maps_(std::move(own_maps)), maps_(std::move(maps)) {
    for (auto const& path : directories)
      stand_ins_ = stand_ins_ || sys::get_xattr(path, override_stat_xattr).has_value();
  }

  /// As the kernel shows owners that a user namespace lacks; root stays root, as the store makes files as root.
  static std::int64_t container_id(IdMap const& map, std::int64_t id) {
    constexpr std::int64_t nobody = 65534;
    return idmap::to_container(map, id).value_or(id == 0 ? 0 : nobody);
  }

  /// Another program mounted the layer with `redirect_dir` or `metacopy`, which this store's options do not have.
  void check_whole(MergedDirectories::Found const& found, std::string const& path) const {
    if (directories_.is_redirected(found, path))
      throw Error(Errc::unsupported, "reading \"" + path + "\", redirected by overlayfs, without a mount");
  }

  void tell_real(TarHeader& header, std::size_t root, std::string const& path) const {
    auto const file = directories_.open(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!file) return;
    if (auto const text = sys::get_xattr(file.get(), override_stat_xattr, path))
      apply_override_stat(*text, header);
  }

  MergedDirectories directories_;
  IdMaps own_maps_;
  IdMaps maps_;
  bool stand_ins_ = false;  ///< files may have `override_stat_xattr`
};

static_assert(ReadableTree<MergedTree>);

}  // namespace strata::archive

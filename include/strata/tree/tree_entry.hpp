#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/id_map.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::archive {

using Xattrs = std::vector<std::pair<std::string, std::string>>;

/// The attributes that `layer_xattrs` gives. @param names  of all that the file has
template <class... File>
Xattrs layer_xattrs_of(std::vector<std::string> names, File const&... file) {
  Xattrs found;
  for (auto& name : names) {
    bool const wanted = name == "security.capability" || name == "security.ima" ||
                        (name.starts_with("user.") && !is_overlay_xattr(name));
    if (!wanted) continue;
    std::optional<std::string> value;
    if constexpr (sizeof...(File) == 1)
      value = sys::get_xattr(file..., name);
    else
      value = [&](int fd, auto const& path) { return sys::get_xattr(fd, name, path); }(file...);
    if (value) found.emplace_back(std::move(name), std::move(*value));
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The extended attributes that belong to a layer's file, sorted by name: security.capability, security.ima
/// and user.* except user.overlay.*, as containers/storage 1.53 and later put into archives.
/// @param file as for `sys::list_xattrs`: a descriptor and a path for errors, or a path
template <class... File>
Xattrs layer_xattrs(File const&... file) {
  return layer_xattrs_of(sys::list_xattrs(file...), file...);
}

/// Converts a `stat` to a header without name, link name and attributes. Empty for a socket, which archives
/// cannot hold.
std::optional<TarHeader> header_of(struct stat const& status);

/// Reads exactly `size` bytes of a file that may be changed meanwhile: a truncated part reads as zeros,
/// appended data is ignored, so that the surrounding archive stays valid.
class FixedSizeFile final : public Reader {
 public:
  FixedSizeFile(int fd, std::int64_t size);

  Bytes next() override;

 private:
  int fd_;
  std::int64_t left_;
  bool ended_ = false;
  std::vector<std::byte> buffer_;
};

/// Writes files of a tree, by path, as archive entries. Not safe for concurrent use.
class TreeEntryWriter {
 public:
  /// @param root the tree's directory; must stay open
  /// @param maps from container ids (of the entries) to host ids (of the files)
  /// @param elsewhere  attribute of files whose contents are not in the tree, which are refused; null: there are none
  TreeEntryWriter(int root, TarWriter& to, Control const& control, IdMaps maps = {},
                  char const* elsewhere = nullptr);

  /// Adds a file. Further names of an inode become hard links to the first. Sockets and files that no longer
  /// exist are skipped, as the layer may be in use.
  /// @param path in the tree, clean, without a leading "/"
  /// @return false if it was skipped
  /// @throws `errno`; `Errc::invalid_mappings`: the maps lack its owner; `Errc::unsupported`: its contents are
  ///   elsewhere; `Errc::stopped`
  bool add(std::string const& path);

  /// Adds a whiteout for `path`: owner and mode 0, current time, as in Go's naive diff.
  void add_whiteout(std::string const& path);

 private:
  /// Root stays root where the maps lack it, as the store creates files as root.
  void set_owner(TarHeader& header) const;

  sys::Fd open(std::string const& path, int flags) const;

  static std::string target_of(int node, struct stat const& status, std::string const& path);

  /// Applies `override_stat_xattr`: the attributes of a file that is stored with substitutes.
  static void tell_real(TarHeader& header);

  bool write(TarHeader header, int file, struct stat const& status);

  int root_;
  TarWriter& to_;
  Control const& control_;
  IdMaps maps_;
  char const* elsewhere_;
  bool stand_ins_;  ///< the root has `override_stat_xattr`, so files may as well
  std::map<std::pair<dev_t, ino_t>, std::string> links_ = {};
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/tree_entry.ipp>
#endif

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/idmap/range.hpp>
#include <strata/progress.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/timestamp.hpp>
#include <strata/tree/override_stat.hpp>

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

/// The extended attributes that belong to a layer's file, sorted by name: security.capability, security.ima
/// and user.* except user.overlay.*, as containers/storage 1.53 and later put into archives.
/// @param file as for `sys::list_xattrs`: a descriptor and a path for errors, or a path
template <class... File>
Xattrs layer_xattrs(File const&... file) {
  Xattrs found;
  for (auto& name : sys::list_xattrs(file...)) {
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

/// Converts a `stat` to a header without name, link name and attributes. Empty for a socket, which archives
/// cannot hold.
inline std::optional<TarHeader> header_of(struct stat const& status) {
  TarHeader header{.mode = status.st_mode & 07777U,
                   .uid = status.st_uid,
                   .gid = status.st_gid,
                   .mtime = {.seconds = status.st_mtim.tv_sec,
                             .nanoseconds = static_cast<std::int32_t>(status.st_mtim.tv_nsec)}};
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      header.size = status.st_size;
      break;
    case S_IFDIR:
      header.type = EntryType::directory;
      break;
    case S_IFLNK:
      header.type = EntryType::symlink;
      break;
    case S_IFIFO:
      header.type = EntryType::fifo;
      break;
    case S_IFCHR:
    case S_IFBLK:
      header.type = S_ISCHR(status.st_mode) ? EntryType::char_device : EntryType::block_device;
      header.dev_major = major(status.st_rdev);
      header.dev_minor = minor(status.st_rdev);
      break;
    default:
      return std::nullopt;
  }
  return header;
}

/// Reads exactly `size` bytes of a file that may be changed meanwhile: a truncated part reads as zeros,
/// appended data is ignored, so that the surrounding archive stays valid.
class FixedSizeFile final : public Reader {
 public:
  FixedSizeFile(int fd, std::int64_t size)
      : fd_(fd),
        left_(size),
        buffer_(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 1, 256 * 1024))) {}

  Bytes next() override {
    if (left_ == 0) return {};
    auto const wanted = static_cast<std::size_t>(std::min<std::int64_t>(left_, std::ssize(buffer_)));
    auto n = ended_ ? 0 : sys::retry([&] { return ::read(fd_, buffer_.data(), wanted); });
    if (n < 0) sys::throw_errno("read", "file of a layer");
    if (n == 0) {
      if (!std::exchange(ended_, true)) std::fill(buffer_.begin(), buffer_.end(), std::byte{0});
      n = static_cast<ssize_t>(wanted);
    }
    left_ -= n;
    return Bytes(buffer_).first(static_cast<std::size_t>(n));
  }

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
  TreeEntryWriter(int root, TarWriter& to, Control const& control, IdMaps maps = {})
      : root_(root),
        to_(to),
        control_(control),
        maps_(std::move(maps)),
        stand_ins_(::getxattr(("/proc/self/fd/" + std::to_string(root)).c_str(), override_stat_xattr, nullptr,
                              0) > 0) {}

  /// Adds a file. Further names of an inode become hard links to the first. Sockets and files that no longer
  /// exist are skipped, as the layer may be in use.
  /// @param path in the tree, clean, without a leading "/"
  /// @return false if it was skipped
  /// @throws `errno`; `Errc::invalid_mappings`: the maps lack its owner; `Errc::stopped`
  bool add(std::string const& path) {
    control_.check();
    sys::Fd const node = open(path, O_PATH | O_NOFOLLOW);
    if (!node) return false;
    struct stat status {};
    if (::fstat(node.get(), &status) != 0) sys::throw_errno("stat", path);
    auto header = header_of(status);
    if (!header) return false;
    header->name = S_ISDIR(status.st_mode) ? path + '/' : path;
    if (S_ISLNK(status.st_mode)) header->link_name = target_of(node.get(), status, path);
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
      sys::Fd const file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      struct stat now {};
      if (!file || ::fstat(file.get(), &now) != 0 || now.st_ino != status.st_ino ||
          now.st_dev != status.st_dev)
        return false;
      header->xattrs = layer_xattrs(file.get(), path);
      if (stand_ins_) tell_real(*header);
      if (!maps_.empty()) set_owner(*header);
      return write(std::move(*header), file.get(), status);
    }
    if (!maps_.empty()) set_owner(*header);
    return write(std::move(*header), -1, status);
  }

  /// Adds a whiteout for `path`: owner and mode 0, current time, as in Go's naive diff.
  void add_whiteout(std::string const& path) {
    auto const now = Timestamp::now();
    to_.add({.name = whiteout_path(path), .mtime = {.seconds = now.seconds, .nanoseconds = now.nanoseconds}});
  }

 private:
  /// Root stays root where the maps lack it, as the store creates files as root.
  void set_owner(TarHeader& header) const {
    auto const uid = idmap::to_container(maps_.uids, header.uid);
    auto const gid = idmap::to_container(maps_.gids, header.gid);
    if ((!uid && header.uid != 0) || (!gid && header.gid != 0))
      throw Error(Errc::invalid_mappings, "host ID pair " + std::to_string(header.uid) + ':' +
                                              std::to_string(header.gid) +
                                              " cannot be mapped to container IDs");
    header.uid = uid.value_or(0);
    header.gid = gid.value_or(0);
  }

  sys::Fd open(std::string const& path, int flags) const {
    sys::Fd fd = sys::try_open_how(root_, path.c_str(), flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
    if (!fd && !sys::is_absent(errno) && errno != EXDEV) sys::throw_errno("open", path);
    return fd;
  }

  static std::string target_of(int node, struct stat const& status, std::string const& path) {
    std::string target(static_cast<std::size_t>(std::max<off_t>(status.st_size, 255)) + 1, '\0');
    auto const n = ::readlinkat(node, "", target.data(), target.size());
    if (n < 0) sys::throw_errno("readlink", path);
    target.resize(static_cast<std::size_t>(n));
    return target;
  }

  /// Applies `override_stat_xattr`: the attributes of a file that is stored with substitutes.
  static void tell_real(TarHeader& header) {
    auto const found = std::find_if(header.xattrs.begin(), header.xattrs.end(),
                                    [](auto const& xattr) { return xattr.first == override_stat_xattr; });
    if (found == header.xattrs.end() || !apply_override_stat(found->second, header)) return;
    header.xattrs.erase(found);
  }

  bool write(TarHeader header, int file, struct stat const& status) {
    if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
      auto const [known, first] = links_.try_emplace({status.st_dev, status.st_ino}, header.name);
      if (!first) {
        header.type = EntryType::hard_link;
        header.link_name = known->second;
        header.size = 0;
      }
    }
    if (header.type != EntryType::regular) {
      to_.add(header);
      return true;
    }
    FixedSizeFile body(file, header.size);
    to_.add(header, &body);
    return true;
  }

  int root_;
  TarWriter& to_;
  Control const& control_;
  IdMaps maps_;
  bool stand_ins_;  ///< the root has `override_stat_xattr`, so files may as well
  std::map<std::pair<dev_t, ino_t>, std::string> links_ = {};
};

}  // namespace strata::archive

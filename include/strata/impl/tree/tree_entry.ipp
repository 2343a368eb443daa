#pragma once

#include <strata/idmap/range.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/timestamp.hpp>
#include <strata/tree/override_stat.hpp>
#include <strata/tree/tree_entry.hpp>

namespace strata::archive {

STRATA_INLINE std::optional<TarHeader> header_of(struct stat const& status) {
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

STRATA_INLINE FixedSizeFile::FixedSizeFile(int fd, std::int64_t size)
    : fd_(fd),
      left_(size),
      buffer_(static_cast<std::size_t>(std::clamp<std::int64_t>(size, 1, 256 * 1024))) {}

STRATA_INLINE Bytes FixedSizeFile::next() {
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

STRATA_INLINE TreeEntryWriter::TreeEntryWriter(int root, TarWriter& to, Control const& control, IdMaps maps,
                                               char const* elsewhere)
    : root_(root),
      to_(to),
      control_(control),
      maps_(std::move(maps)),
      elsewhere_(elsewhere),
      stand_ins_(::getxattr(("/proc/self/fd/" + std::to_string(root)).c_str(), override_stat_xattr, nullptr,
                            0) > 0) {}

STRATA_INLINE bool TreeEntryWriter::add(std::string const& path) {
  control_.check();
  sys::Fd const node = open(path, O_PATH | O_NOFOLLOW);
  if (!node) return false;
  auto const status = sys::status_of(node.get(), path);
  auto header = header_of(status);
  if (!header) return false;
  header->name = S_ISDIR(status.st_mode) ? path + '/' : path;
  if (S_ISLNK(status.st_mode)) header->link_name = target_of(node.get(), status, path);
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    sys::Fd const file = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    struct stat now {};
    if (!file || ::fstat(file.get(), &now) != 0 || now.st_ino != status.st_ino || now.st_dev != status.st_dev)
      return false;
    auto names = sys::list_xattrs(file.get(), path);
    if (elsewhere_ != nullptr && std::find(names.begin(), names.end(), elsewhere_) != names.end())
      refuse_redirected(path);
    header->xattrs = layer_xattrs_of(std::move(names), file.get(), path);
    if (stand_ins_) tell_real(*header);
    if (!maps_.empty()) set_owner(*header);
    return write(std::move(*header), file.get(), status);
  }
  if (!maps_.empty()) set_owner(*header);
  return write(std::move(*header), -1, status);
}

STRATA_INLINE void TreeEntryWriter::add_whiteout(std::string const& path) {
  auto const now = Timestamp::now();
  to_.add({.name = whiteout_path(path), .mtime = {.seconds = now.seconds, .nanoseconds = now.nanoseconds}});
}

STRATA_INLINE void TreeEntryWriter::set_owner(TarHeader& header) const {
  auto const uid = idmap::to_container(maps_.uids, header.uid);
  auto const gid = idmap::to_container(maps_.gids, header.gid);
  if ((!uid && header.uid != 0) || (!gid && header.gid != 0))
    throw Error(Errc::invalid_mappings, "host ID pair " + std::to_string(header.uid) + ':' +
                                            std::to_string(header.gid) +
                                            " cannot be mapped to container IDs");
  header.uid = uid.value_or(0);
  header.gid = gid.value_or(0);
}

STRATA_INLINE sys::Fd TreeEntryWriter::open(std::string const& path, int flags) const {
  sys::Fd fd = sys::try_open_how(root_, path.c_str(), flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (!fd && !sys::is_absent(errno) && errno != EXDEV) sys::throw_errno("open", path);
  return fd;
}

STRATA_INLINE std::string TreeEntryWriter::target_of(int node, struct stat const& status,
                                                     std::string const& path) {
  std::string target(static_cast<std::size_t>(std::max<off_t>(status.st_size, 255)) + 1, '\0');
  auto const n = ::readlinkat(node, "", target.data(), target.size());
  if (n < 0) sys::throw_errno("readlink", path);
  target.resize(static_cast<std::size_t>(n));
  return target;
}

STRATA_INLINE void TreeEntryWriter::tell_real(TarHeader& header) {
  auto const found = std::find_if(header.xattrs.begin(), header.xattrs.end(),
                                  [](auto const& xattr) { return xattr.first == override_stat_xattr; });
  if (found == header.xattrs.end() || !apply_override_stat(found->second, header)) return;
  header.xattrs.erase(found);
}

STRATA_INLINE bool TreeEntryWriter::write(TarHeader header, int file, struct stat const& status) {
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

}  // namespace strata::archive

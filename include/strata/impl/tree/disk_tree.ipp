#pragma once

#include <strata/archive/sparse_body.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/tree/disk_tree.hpp>
#include <strata/tree/file_body.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE auto DiskTree::try_open(std::string_view path, int flags) const -> Handle {
  constexpr std::size_t longest = 4000;  // the kernel accepts up to 4,095 bytes per call
  sys::Fd at;
  while (path.size() > longest) {
    auto const cut = path.rfind('/', longest);
    at = open_plain(at, path.substr(0, cut), O_PATH);
    if (!at) return at;
    path.remove_prefix(cut + 1);
  }
  return open_plain(at, path, flags);
}

STRATA_INLINE auto DiskTree::open(std::string_view path) const -> Handle {
  Handle handle = try_open(path);
  if (!handle) sys::throw_errno("open", path);
  return handle;
}

STRATA_INLINE auto DiskTree::enter(Ref directory, std::string const& name, std::string_view path) -> Handle {
  Handle handle = sys::try_open_at(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!handle) sys::throw_errno("open", path);
  return handle;
}

STRATA_INLINE auto DiskTree::open_directory(Ref directory, std::string const& name) -> Handle {
  return sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

STRATA_INLINE auto DiskTree::open_node(Ref directory, std::string const& name) -> Handle {
  return sys::open_at(directory, name, O_PATH | O_NOFOLLOW);
}

STRATA_INLINE std::optional<struct stat> DiskTree::look(Ref directory, std::string const& name,
                                                        std::string_view path) {
  struct stat status {};
  if (::fstatat(directory, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return status;
  if (!sys::is_absent(errno)) sys::throw_errno("stat", path);
  return std::nullopt;
}

STRATA_INLINE std::string DiskTree::read_link(Ref directory, std::string const& name, std::string_view path) {
  std::string target(4096, '\0');
  auto const size = ::readlinkat(directory, name.c_str(), target.data(), target.size());
  if (size < 0) sys::throw_errno("readlink", path);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

STRATA_INLINE std::vector<std::string> DiskTree::names(Ref directory, std::string_view path) {
  std::vector<std::string> names;
  sys::Fd const fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
  for (auto& entry : sys::read_directory(fd.get(), path)) names.push_back(std::move(entry.name));
  return names;
}

STRATA_INLINE int DiskTree::make_file(Ref directory, std::string const& name, mode_t mode, Handle& made) {
  made = sys::try_open_at(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  return made ? 0 : -1;
}

STRATA_INLINE int DiskTree::make_directory(Ref directory, std::string const& name, mode_t mode) {
  return ::mkdirat(directory, name.c_str(), mode);
}

STRATA_INLINE int DiskTree::make_symlink(Ref directory, std::string const& name, std::string const& target) {
  return ::symlinkat(target.c_str(), directory, name.c_str());
}

STRATA_INLINE int DiskTree::make_link(Ref from, std::string const& first, Ref directory,
                                      std::string const& name) {
  return ::linkat(from, first.c_str(), directory, name.c_str(), 0);
}

STRATA_INLINE int DiskTree::make_node(Ref directory, std::string const& name, mode_t mode, dev_t device) {
  return ::mknodat(directory, name.c_str(), mode, device);
}

STRATA_INLINE void DiskTree::remove(Ref directory, std::string const& name, struct stat const& status,
                                    std::string_view path) {
  if (S_ISDIR(status.st_mode))
    sys::remove_tree("/proc/self/fd/" + std::to_string(directory) + '/' + name);
  else if (::unlinkat(directory, name.c_str(), 0) != 0)
    sys::throw_errno("unlink", path);
}

STRATA_INLINE void DiskTree::mark_opaque(Ref directory, bool user_xattr, std::string_view path) {
  sys::Fd const fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
  char const* const name = OverlayXattr{user_xattr}.opaque();
  if (::fsetxattr(fd.get(), name, "y", 1, 0) != 0)
    sys::throw_errno(std::string("setxattr ") + name + " on", path);
}

STRATA_INLINE bool DiskTree::is_opaque(Ref directory, bool user_xattr, std::string_view path) {
  return sys::get_xattr(directory, OverlayXattr{user_xattr}.opaque(), path) == "y";
}

STRATA_INLINE void DiskTree::write(Handle const& file, Reader& body, std::string_view path) {
  if (auto const* const whole = dynamic_cast<FileBody const*>(&body)) {
    auto const status = sys::status_of(whole->descriptor(), path);
    copier_.copy(whole->descriptor(), file.get(), status, path, [](std::size_t) {});
    return;
  }
  write_contents(file.get(), body, path);
}

STRATA_INLINE int DiskTree::try_share(Ref directory, std::string const& name, std::string_view path,
                                      TarHeader const& header, Reader& body) {
  auto const* const whole = dynamic_cast<FileBody const*>(&body);
  errno = EXDEV;
  if (whole == nullptr || !whole->may_link()) return -1;
  int const fd = whole->descriptor();
  struct stat status {};
  if (::fstat(fd, &status) != 0) return -1;
  errno = EXDEV;
  if ((status.st_mode & 07777U) != (header.mode & 07777U) || status.st_uid != header.uid ||
      status.st_gid != header.gid)
    return -1;
  std::vector<std::pair<std::string, std::string>> xattrs, wanted;
  for (auto const& key : sys::list_xattrs(fd, path))
    if (is_unpacked_xattr(key))
      xattrs.emplace_back(key, sys::get_xattr(fd, key, path).value_or(std::string()));
  for (auto const& xattr : header.xattrs)
    if (is_unpacked_xattr(xattr.first)) wanted.push_back(xattr);
  std::ranges::sort(xattrs);
  errno = EXDEV;
  if (xattrs != wanted) return -1;
  auto const from = "/proc/self/fd/" + std::to_string(fd);
  return ::linkat(AT_FDCWD, from.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW);
}

STRATA_INLINE auto DiskTree::open_plain(sys::Fd const& from, std::string_view path, int flags) const
    -> Handle {
  std::string const name(path.empty() ? "." : path);
  return sys::try_open_how(from ? from.get() : root_.get(), name.c_str(), flags | O_DIRECTORY | O_NOFOLLOW, 0,
                           RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

}  // namespace strata::archive

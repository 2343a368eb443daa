#pragma once

#include <strata/sys/lookup.hpp>

namespace strata::sys::detail {

STRATA_INLINE Lookup<Fd> found_or_not(Fd fd, char const* path) {
  if (fd) return Lookup<Fd>::present(std::move(fd));
  int const code = errno;
  return Lookup<Fd>::failed(code, "open", path);
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE Lookup<Fd> find_at(int directory, char const* path, int flags) {
  return detail::found_or_not(try_open_at(directory, path, flags), path);
}

STRATA_INLINE Lookup<Fd> find_in_root(int root, char const* path, int flags) {
  return detail::found_or_not(try_open_in_root(root, path, flags), path);
}

STRATA_INLINE Lookup<Fd> find_stored(fs::path const& path, int flags) {
  return detail::found_or_not(try_open_stored(path.c_str(), flags), path.c_str());
}

STRATA_INLINE Lookup<struct stat> find_status(int directory, char const* path, int flags) {
  using Status = struct stat;
  Status status{};
  bool found = ::fstatat(directory, path, &status, flags) == 0;
  if (!found && errno == ENAMETOOLONG)
    if (auto const shorter = ShortPath::of(directory, path))
      found = ::fstatat(shorter.at.get(), shorter.rest, &status, flags) == 0;
  if (found) return Lookup<Status>::present(status);
  int const code = errno;
  return Lookup<Status>::failed(code, "stat", path);
}

STRATA_INLINE Lookup<struct stat> find_status(fs::path const& path, int flags) {
  return find_status(AT_FDCWD, path.c_str(), flags);
}

STRATA_INLINE struct stat status_of(int fd, std::string_view path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw_errno("stat", path);
  return status;
}

STRATA_INLINE bool is_directory(fs::path const& path) {
  auto const status = find_status(path, 0);
  return status && S_ISDIR(status->st_mode);
}

}  // namespace strata::sys

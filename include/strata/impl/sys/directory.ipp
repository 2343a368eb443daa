#pragma once

#include <strata/sys/directory.hpp>

#include <algorithm>

namespace strata::sys {

STRATA_INLINE std::vector<DirectoryEntry> read_directory(int fd, fs::path const& path) {
  std::vector<DirectoryEntry> entries;
  alignas(dirent64) char buffer[32 * 1024];
  for (;;) {
    ssize_t const n = ::getdents64(fd, buffer, sizeof buffer);
    if (n == 0 || (n < 0 && errno == ENOENT)) return entries;  // the end, or the directory was removed
    if (n < 0) throw_errno("getdents", path);
    for (ssize_t at = 0; at < n;) {
      auto const* entry = reinterpret_cast<dirent64 const*>(buffer + at);
      std::string_view const name(entry->d_name);
      if (name != "." && name != "..") entries.push_back({std::string(name), entry->d_type});
      at += entry->d_reclen;
    }
  }
}

STRATA_INLINE std::vector<fs::path> entries_of(fs::path const& directory) {
  std::vector<fs::path> out;
  auto const fd = find_at(directory, O_RDONLY | O_DIRECTORY);
  if (!fd) return out;
  for (auto const& entry : read_directory(fd->get(), directory)) out.push_back(directory / entry.name);
  std::sort(out.begin(), out.end());
  return out;
}

STRATA_INLINE bool is_directory(int parent, DirectoryEntry const& entry) {
  if (entry.type != DT_UNKNOWN) return entry.type == DT_DIR;
  auto const status = find_status(parent, entry.name.c_str());
  return status && S_ISDIR(status->st_mode);
}

STRATA_INLINE Fd try_enter(int parent, char const* name) noexcept {
  return try_open_how(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, RESOLVE_NO_XDEV);
}

}  // namespace strata::sys

#pragma once

#include <strata/sys/fd.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <fts.h>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>

namespace strata::sys {

/// Calls `visit(path, bytes)` with a path and everything below it on the same file system, as `du -x` goes: what each takes
/// on disk, a file with several names at its first only. Follows no link; enters bind mounts. What vanishes meanwhile is
/// passed over.
/// @throws  `errno`, "open <path>": a directory that cannot be read; what `visit` throws
template <class Visit>
void walk_blocks(std::filesystem::path const& top, Visit&& visit) {
  std::string text = top.native();
  char* roots[] = {text.data(), nullptr};
  auto const by_name = [](FTSENT const** a, FTSENT const** b) {
    return std::string_view((*a)->fts_name).compare((*b)->fts_name);
  };
  std::unique_ptr<FTS, decltype([](FTS* fts) { ::fts_close(fts); })> const fts(
      ::fts_open(roots, FTS_PHYSICAL | FTS_XDEV | FTS_NOCHDIR, +by_name));
  if (!fts) throw_errno("open", top);
  std::set<std::pair<dev_t, ino_t>> seen;
  bool first = true;
  dev_t device = 0;
  while (auto const* const at = ::fts_read(fts.get())) {
    if (at->fts_info == FTS_DP) continue;
    if (at->fts_info == FTS_DNR || at->fts_info == FTS_ERR || at->fts_info == FTS_NS) {
      if (at->fts_errno == ENOENT) continue;
      errno = at->fts_errno;
      throw_errno("open", at->fts_path);
    }
    auto const& status = *at->fts_statp;
    if (std::exchange(first, false)) device = status.st_dev;
    if (status.st_dev != device) continue;
    if (status.st_nlink > 1 && !S_ISDIR(status.st_mode) && !seen.emplace(status.st_dev, status.st_ino).second)
      continue;
    visit(std::filesystem::path(at->fts_path), static_cast<std::uint64_t>(status.st_blocks) * 512);
  }
}

}  // namespace strata::sys

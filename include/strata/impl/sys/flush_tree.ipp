#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/flush_tree.hpp>
#include <strata/sys/visit_contents.hpp>
#include <strata/sys/workers.hpp>

#include <algorithm>

namespace strata::sys::detail {

STRATA_INLINE void flush(ToFlush const& item) {
  // EINVAL: the file system cannot flush this kind of file
  if (::fsync(item.fd.get()) != 0 && errno != EINVAL) throw_errno("fsync", item.path);
}

STRATA_INLINE std::uint64_t dirty_bytes(std::string_view meminfo) {
  std::uint64_t kibibytes = 0;
  for (std::string_view const key : {"\nDirty:", "\nWriteback:"})
    if (auto const at = meminfo.find(key); at != std::string_view::npos)
      kibibytes += std::strtoull(std::string(meminfo.substr(at + key.size(), 32)).c_str(), nullptr, 10);
  return kibibytes * 1024;
}

STRATA_INLINE bool is_for_syncfs(fs::path const& top, Fd const& root) {
  struct statfs system {};
  if (::fstatfs(root.get(), &system) != 0) return false;
  std::array<std::uint64_t, 4> const known{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                           F2FS_SUPER_MAGIC};
  if (std::find(known.begin(), known.end(), static_cast<std::uint64_t>(system.f_type)) == known.end())
    return false;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  visit_contents(top, [&](Fd const fd, auto const&) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return;
    ++files;
    bytes += static_cast<std::uint64_t>(status.st_size);
  });
  if (files < 64) return false;
  std::array<char, 4096> text{};
  Fd const meminfo = try_open_at(AT_FDCWD, "/proc/meminfo", O_RDONLY);
  auto const n = meminfo ? ::read(meminfo.get(), text.data(), text.size()) : 0;
  if (n <= 0) return false;
  return dirty_bytes({text.data(), static_cast<std::size_t>(n)}) <= 2 * bytes + (std::uint64_t{64} << 20U);
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE void flush_tree(fs::path const& path) {
  {
    // syncfs reports errors since this open and earlier unreported ones (Linux 5.8). These files were never
    // flushed before, so no error is missed.
    Fd const root = open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    if (detail::is_for_syncfs(path, root)) {
      flush_file_system(root.get(), path);
      return;
    }
  }
  // Data first, without the journal: during write-back each fsync would find its file changed once more
  // (unwritten extents converted) and commit the journal for it alone, thousands of times.
  visit_contents(path, [](Fd const fd, auto const&) { start_write_back(fd.get()); });
  visit_contents(path, [](Fd const fd, auto const& name) {
    // An error is reported once: the fsync below, on another descriptor, would no longer see it.
    if (::sync_file_range(fd.get(), 0, 0,
                          SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) !=
            0 &&
        errno != EINVAL && errno != ESPIPE && errno != ENOSYS && errno != EOPNOTSUPP)
      throw_errno("fsync", name());
  });
  Workers<detail::ToFlush> workers(detail::flush_threads, 64, &detail::flush);
  visit_contents(path, [&](Fd fd, auto const& name) { workers.add({std::move(fd), name()}); });
  workers.finish();
}

}  // namespace strata::sys

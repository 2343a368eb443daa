#pragma once

#include <strata/archive/crc64.hpp>
#include <strata/digest.hpp>
#include <strata/maintenance/dedup.hpp>
#include <strata/sys/share_blocks.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/workers.hpp>

#include <algorithm>
#include <map>
#include <thread>

namespace strata::detail {

STRATA_INLINE DedupResult Deduplicator::run(std::vector<fs::path> const& trees) {
  for (auto const& tree : trees) collect(tree);
  std::ranges::stable_sort(files_, {}, &File::size);
  sys::Workers<Group> workers(std::clamp(std::thread::hardware_concurrency(), 1U, 8U), 64,
                              [this](Group group) { share_group(group); });
  // A file of unique size has no duplicate and need not be read.
  auto const has_twins = [](auto const& group) { return group.size() > 1; };
  for (auto const& group : files_ | ranges::views::chunk_by(same_size) | ranges::views::filter(has_twins)) {
    if (!possible_) break;
    workers.add(Group(group.begin(), group.end()));
    report_if_due();
  }
  workers.finish();
  report();
  return {bytes_, shared_files_};
}

STRATA_INLINE void Deduplicator::collect(fs::path const& tree) {
  auto const* const top = &*trees_.insert(tree).first;
  try {
    sys::walk(tree, [&](sys::Visited const& at) {
      options_.control.check();
      auto const& status = at.status;
      if (!S_ISREG(status.st_mode) || status.st_size == 0) return;
      if (!seen_.emplace(status.st_dev, status.st_ino).second) return;
      auto const size = static_cast<std::uint64_t>(status.st_size);
      files_.push_back({top, at.path, status.st_ino, size});
    });
  } catch (Error const& error) {
    if (error.code() != std::errc::no_such_file_or_directory) throw;  // the layer was removed meanwhile
  }
}

STRATA_INLINE sys::Fd Deduplicator::open(File const& file) {
  sys::Fd const tree = sys::try_open_at(AT_FDCWD, file.tree->c_str(), O_PATH | O_DIRECTORY);
  auto const attempt = [&](int flags) {
    return sys::try_open_how(tree.get(), file.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | flags, 0,
                             RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
  };
  sys::Fd fd = attempt(O_NOATIME);
  if (!fd && errno == EPERM) fd = attempt(0);
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || status.st_ino != file.inode || !S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) != file.size)
    return {};
  return fd;
}

STRATA_INLINE void Deduplicator::share_group(Group group) {
  std::map<std::string, std::vector<File const*>> kinds;  // by fingerprint
  for (auto const& file : group) {
    if (!possible_) return;
    sys::Fd const fd = open(file);
    if (!fd) continue;
    auto& earlier = kinds[fingerprint(fd.get(), file)];
    bool const shared =
        std::ranges::any_of(earlier, [&](File const* other) { return share(*other, fd.get(), file); });
    if (!shared) earlier.push_back(&file);
    looked_at_bytes_ += file.size;
    ++looked_at_files_;
  }
}

STRATA_INLINE std::string Deduplicator::fingerprint(int fd, File const& file) const {
  if (options_.equal_by == EqualBy::size) return {};
  archive::Crc64 crc;
  Hasher sha256;
  std::vector<std::byte> buffer(std::min<std::uint64_t>(file.size, std::uint64_t{1} << 20));
  for (off_t at = 0;;) {
    options_.control.check();
    auto const n = sys::retry([&] { return ::pread(fd, buffer.data(), buffer.size(), at); });
    if (n < 0) sys::throw_errno("read", *file.tree / file.path);
    if (n == 0) break;
    auto const bytes = Bytes(buffer).first(static_cast<std::size_t>(n));
    options_.equal_by == EqualBy::crc ? crc.update(bytes) : sha256.update(bytes);
    at += n;
  }
  return options_.equal_by == EqualBy::crc ? std::to_string(crc.value()) : sha256.finish().str();
}

STRATA_INLINE bool Deduplicator::share(File const& with, int fd, File const& file) {
  sys::Fd const from = open(with);
  if (!from) return false;
  auto const shared = sys::share_blocks(from.get(), fd, file.size, *file.tree / file.path, options_.control);
  if (!shared) {
    possible_ = false;  // not supported here at all
    return false;
  }
  if (*shared == 0) return false;
  bytes_ += *shared;
  ++shared_files_;
  return true;
}

STRATA_INLINE void Deduplicator::report_if_due() {
  if (options_.control.progress && pace_.is_due()) report();
}

STRATA_INLINE void Deduplicator::report() const {
  if (!options_.control.progress) return;
  options_.control.progress({.phase = Phase::dedup, .bytes = looked_at_bytes_, .entries = looked_at_files_});
}

}  // namespace strata::detail

namespace strata {

STRATA_INLINE DedupResult dedup_trees(std::vector<fs::path> const& trees, DedupOptions const& options) {
  return detail::Deduplicator(options).run(trees);
}

}  // namespace strata

#pragma once

#include <strata/archive/crc64.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/digest.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/id.hpp>
#include <strata/progress.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/share_blocks.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/workers.hpp>

#include <range/v3/view/chunk_by.hpp>
#include <range/v3/view/filter.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <map>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

/// Deduplication of equal files by sharing their blocks, where the file system can (XFS, btrfs).
namespace strata {

/// How candidates are found. The kernel compares contents before it shares blocks in any case.
enum class EqualBy {
  crc,     ///< size and CRC-64
  size,    ///< size alone: no reads beforehand, but more failed comparisons in the kernel
  sha256,  ///< size and SHA-256
};

/// Options of `dedup_trees` and `dedup_layers`.
struct DedupOptions {
  EqualBy equal_by = EqualBy::crc;
  Control control = {};  ///< progress: bytes and files examined
};

/// How much was deduplicated.
struct DedupResult {
  std::uint64_t bytes = 0;  ///< size of files that now share blocks, including those that already did
  std::uint64_t files = 0;  ///< number of those files
};

namespace detail {

/// Finds equal files in directory trees and shares their blocks. Memory: one path per file.
class Deduplicator {
 public:
  explicit Deduplicator(DedupOptions const& options) : options_(options) {}

  DedupResult run(std::vector<fs::path> const& trees) {
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

 private:
  struct File {
    fs::path const* tree;
    std::string path;
    ino_t inode;
    std::uint64_t size;
  };
  using Group = std::span<File const>;
  static bool same_size(File const& one, File const& other) { return one.size == other.size; }

  void collect(fs::path const& tree) {
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

  /// Opens without following symbolic links out of the tree. Empty if the file was replaced.
  static sys::Fd open(File const& file) {
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

  /// Shares blocks among files of one size.
  void share_group(Group group) {
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

  std::string fingerprint(int fd, File const& file) const {
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

  bool share(File const& with, int fd, File const& file) {
    sys::Fd const from = open(with);
    if (!from) return false;
    auto const shared =
        sys::share_blocks(from.get(), fd, file.size, *file.tree / file.path, options_.control);
    if (!shared) {
      possible_ = false;  // not supported here at all
      return false;
    }
    if (*shared == 0) return false;
    bytes_ += *shared;
    ++shared_files_;
    return true;
  }

  void report_if_due() {
    if (options_.control.progress && pace_.is_due()) report();
  }
  void report() const {
    if (!options_.control.progress) return;
    options_.control.progress(
        {.phase = Phase::dedup, .bytes = looked_at_bytes_, .entries = looked_at_files_});
  }

  DedupOptions const& options_;
  std::set<fs::path> trees_;
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::vector<File> files_;  ///< by size, once all are collected
  std::atomic<bool> possible_ = true;
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> shared_files_ = 0;
  std::atomic<std::uint64_t> looked_at_bytes_ = 0;
  std::atomic<std::uint64_t> looked_at_files_ = 0;
  Pace pace_;
};

}  // namespace detail

/// Shares blocks among equal files of directory trees.
///
/// Reads files whose size occurs more than once, on several threads. A file system that cannot share blocks
/// is no error. The trees may be in use.
/// @throws `errno`, "read <path>", "share <path>"; `Errc::stopped`: blocks shared so far stay shared
inline DedupResult dedup_trees(std::vector<fs::path> const& trees, DedupOptions const& options = {}) {
  return detail::Deduplicator(options).run(trees);
}

/// As `dedup_trees`, over the trees of all layers. Holds no lock.
/// @throws as `dedup_trees`; `Errc::unsupported` if the driver's layers have no trees
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
DedupResult dedup_layers(Store<D, S, Durability, T> const& store, DedupOptions const& options = {}) {
  using Core = typename Store<D, S, Durability, T>::Core;
  auto& core = store.core();
  std::vector<fs::path> trees;
  if (!has_own_trees(core.driver()))
    throw Error(Errc::unsupported, "sharing blocks with driver " + std::string(core.driver().name()));
  for (auto const& row : core.template table<typename Core::LayerTraits>().read().rows())
    if (is_safe_component(row->id))
      if (auto const tree = own_tree_of(core.driver(), LayerId(row->id))) trees.push_back(tree->path);
  return dedup_trees(trees, options);
}

}  // namespace strata

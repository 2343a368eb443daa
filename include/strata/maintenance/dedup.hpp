#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/id.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <range/v3/view/chunk_by.hpp>
#include <range/v3/view/filter.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <linux/openat2.h>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
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

  DedupResult run(std::vector<fs::path> const& trees);

 private:
  struct File {
    fs::path const* tree;
    std::string path;
    ino_t inode;
    std::uint64_t size;
  };
  using Group = std::span<File const>;
  static bool same_size(File const& one, File const& other) { return one.size == other.size; }

  void collect(fs::path const& tree);

  /// Opens without following symbolic links out of the tree. Empty if the file was replaced.
  static sys::Fd open(File const& file);

  /// Shares blocks among files of one size.
  void share_group(Group group);

  std::string fingerprint(int fd, File const& file) const;

  bool share(File const& with, int fd, File const& file);

  void report_if_due();
  void report() const;

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
DedupResult dedup_trees(std::vector<fs::path> const& trees, DedupOptions const& options = {});

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/dedup.ipp>
#endif

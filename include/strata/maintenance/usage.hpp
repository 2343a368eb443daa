#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/separate.hpp>
#include <strata/sys/blocks.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// Disk usage of a store, by owner.
namespace strata {

/// Options of `measure_usage`.
struct UsageOptions {
  std::chrono::seconds leftover_after = std::chrono::hours(1);  ///< see `ScanOptions`
  std::stop_token stop = {};
};

/// Usage of one path, without nested entries.
struct UsageShare {
  Ownership claim;
  std::uint64_t bytes = 0;  ///< blocks, of directories too; hard links count at the first name
};

/// Result of `measure_usage`.
struct UsageReport {
  std::vector<UsageShare> shares = {};         ///< in path order
  std::array<std::uint64_t, 4> by_class = {};  ///< indexed by `UsageClass`
  std::uint64_t bytes = 0;  ///< total: what `du -x` reports for the graph root and the image store

  std::uint64_t of(UsageClass kind) const { return by_class[static_cast<std::size_t>(kind)]; }
};

std::string_view to_text(UsageClass kind) noexcept;

/// Ids of all items that have a record. @throws `Errc::corrupt_record`
template <class Core>
KnownIds known_ids(Core& core) {
  auto const layers = core.template table<typename Core::LayerTraits>().read();
  auto const images = core.template table<typename Core::ImageTraits>().read();
  auto const containers = core.template table<typename Core::ContainerTraits>().read();
  return KnownIds::of(core, layers, images, containers);
}

/// Disk usage in bytes of a path and everything below it.
std::uint64_t blocks_below(fs::path const& path);

/// Counts every byte below the graph root and attributes it to an owner. Reads the metadata of all files;
/// holds no lock.
/// @throws `Errc::stopped`, `errno`, `Errc::corrupt_record`
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
UsageReport measure_usage(Store<D, S, Durability, T> const& store, UsageOptions const& options = {}) {
  auto& core = store.core();
  UsageReport report;
  auto claims = scan_graph_root(core, known_ids(core), {.leftover_after = options.leftover_after});
  std::map<std::string, std::size_t> by_path;
  for (auto& claim : claims)
    if (auto const [at, fresh] = by_path.emplace(claim.path.native(), report.shares.size()); fresh)
      report.shares.push_back({.claim = std::move(claim)});
  auto const count = [&](fs::path const& path, std::uint64_t size) {
    if (options.stop.stop_requested()) throw Error(Errc::stopped, "the caller's request");
    auto found = by_path.end();
    for (auto at = path; (found = by_path.find(at.native())) == by_path.end() && at != at.parent_path();)
      at = at.parent_path();
    if (found == by_path.end()) return;  // the root has a claim
    auto& share = report.shares[found->second];
    share.bytes += size;
    report.by_class[static_cast<std::size_t>(share.claim.kind)] += size;
    report.bytes += size;
  };
  sys::walk_blocks(core.options().graph_root, count);
  if (auto const& images = core.options().image_store; !images.empty()) sys::walk_blocks(images, count);
  std::ranges::sort(report.shares, {}, [](auto const& share) { return share.claim.path.native(); });
  return report;
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/usage.ipp>
#endif

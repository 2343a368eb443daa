#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/maintenance/usage.hpp>
#include <strata/progress.hpp>
#include <strata/store/flush_records.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <set>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// Removal of files and directories that no record names and no process works on.
namespace strata {

/// Options of `collect_garbage`.
struct GarbageOptions {
  bool dry_run = false;                                         ///< remove nothing
  std::chrono::seconds leftover_after = std::chrono::hours(1);  ///< see `ScanOptions`
  ProgressSink progress = {};                                   ///< `entries`: items found so far
  std::stop_token stop = {};
};

/// A file or directory to be removed, and its size on disk.
struct Garbage {
  Ownership claim;
  std::uint64_t bytes = 0;
};

/// Result of `collect_garbage`.
struct GarbageReport {
  std::vector<Garbage> items = {};      ///< removed, or to be removed with `dry_run`, in path order
  std::uint64_t bytes = 0;              ///< sum over `items`
  std::exception_ptr first_error = {};  ///< of an item that could not be removed; the others were
};

namespace detail {

/// Result of `discard_garbage`.
struct Discarded {
  std::set<fs::path> gone = {};
  std::exception_ptr first_error = {};
};

/// Removes those of the given paths that still are garbage. Checks again under the locks of all kinds and
/// moves them into the trash; deletes them after the locks are released.
template <class Core>
Discarded discard_garbage(Core& core, std::set<fs::path> const& paths) {
  using LayerTraits = typename Core::LayerTraits;
  Discarded done;
  if (paths.empty()) return done;
  std::set<fs::path> roots;
  std::set<fs::path> temp_dirs;
  for (auto const& path : paths)
    if (path.filename().native().starts_with(paths::temp_dir::directory_prefix)) {
      roots.insert(path.parent_path());
      temp_dirs.insert(path);
    }
  std::set<fs::path> dead;
  for (auto const& root : roots)
    for (auto const& seen : sys::StagingDirectory::look(root))
      if (!seen.in_use && temp_dirs.contains(seen.path)) dead.insert(seen.path);
  if (!dead.empty()) {  // complete their intents before removing them
    core.collect_again();
    core.collect_left();
  }
  for (auto const& root : roots)
    for (auto const& problem : sys::StagingDirectory::recover(root, [&](sys::StagingDirectory const& left) {
           return dead.contains(left.path()) && left.notes().empty();
         }))
      if (!done.first_error) done.first_error = std::make_exception_ptr(problem);
  for (auto const& path : dead)
    if (!sys::is_present(path)) done.gone.insert(path);
  Trash trash;
  {
    auto const layers = core.template table<LayerTraits>().write();
    auto const images = core.template table<typename Core::ImageTraits>().write();
    auto const containers = core.template table<typename Core::ContainerTraits>().write();
    flush_records(core, layers, images, containers);
    auto const known = KnownIds::of(core, layers, images, containers);
    auto const claims = scan_roots(core, known, {.leftover_after = std::chrono::seconds(0)});
    auto staging = sys::StagingDirectory::create(core.layer_trash());
    for (auto const& claim : claims) {
      if (!claim.removable || !paths.contains(claim.path) || temp_dirs.contains(claim.path)) continue;
      try {
        if (claim.subject == Subject::layer && is_safe_component(claim.id) &&
            core.driver().exists(LayerId(claim.id)))
          trash.merge(discard_unrecorded_layer(core, LayerId(claim.id), staging));
        staging.take(claim.path);
        done.gone.insert(claim.path);
      } catch (std::exception const&) {
        if (!done.first_error) done.first_error = std::current_exception();
      }
    }
    trash.add(std::move(staging));
  }
  try {
    trash.empty();
  } catch (std::exception const&) {  // already in the trash; the next opener retries
    if (!done.first_error) done.first_error = std::current_exception();
  }
  return done;
}

}  // namespace detail

/// Removes orphaned files and the leftovers of dead processes from graph root and run root.
///
/// Like containers/storage, it leaves names alone that are no generated ids in the directories of images and
/// containers. An item that cannot be removed does not stop it; see `GarbageReport::first_error`.
/// @throws `Errc::stopped`; `Errc::corrupt_record`, since without records everything would look like garbage
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
GarbageReport collect_garbage(Store<D, S, Durability, T> const& store, GarbageOptions const& options = {}) {
  auto& core = store.core();
  GarbageReport report;
  auto const known = known_ids(core);
  ScanOptions const scan{.leftover_after = options.leftover_after};
  auto claims = scan_roots(core, known, scan);
  std::erase_if(claims, [](auto const& claim) { return !claim.removable; });
  if (!claims.empty()) forget_changed(claims, known_ids(core));
  std::ranges::sort(claims, {}, &Ownership::path);
  std::set<fs::path> paths;
  for (auto& claim : claims) {
    Control{.stop = options.stop}.check();
    auto const bytes = blocks_below(claim.path);
    paths.insert(claim.path);
    report.items.push_back({.claim = std::move(claim), .bytes = bytes});
    if (options.progress)
      options.progress({.phase = Phase::check, .bytes = bytes, .entries = report.items.size()});
  }
  if (!options.dry_run) {
    auto const done = detail::discard_garbage(core, paths);
    report.first_error = done.first_error;
    std::erase_if(report.items, [&](auto const& item) { return !done.gone.contains(item.claim.path); });
  }
  for (auto const& item : report.items) report.bytes += item.bytes;
  return report;
}

}  // namespace strata

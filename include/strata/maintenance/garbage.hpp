#pragma once

#include <strata/concepts/check_driver.hpp>
#include <strata/fwd.hpp>
#include <strata/maintenance/raw_records.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/maintenance/usage.hpp>
#include <strata/progress.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <set>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

/// Files and directories that no record names and no process works on.
namespace strata {

struct GarbageOptions {
  bool dry_run = false;                                         ///< only tell
  std::chrono::seconds leftover_after = std::chrono::hours(1);  ///< see `ScanOptions`
  ProgressSink progress = {};                                   ///< `entries`: what was found so far
  std::stop_token stop = {};
};

/// One thing that goes, and what it takes on disk.
struct Garbage {
  Ownership claim;
  std::uint64_t bytes = 0;
};

struct GarbageReport {
  std::vector<Garbage> items = {};      ///< those that went, or would go, in path order
  std::uint64_t bytes = 0;              ///< of all
  std::exception_ptr first_error = {};  ///< of what could not be removed; the others went
};

namespace detail {

/// What `discard_garbage` did.
struct Discarded {
  std::set<std::filesystem::path> gone = {};
  std::exception_ptr first_error = {};
};

/// Removes paths that a scan called garbage, those that still are: looked at again under the locks of all kinds, where
/// they are moved out of sight; they are deleted when the locks are given back.
template <class Core>
Discarded discard_garbage(Core& core, std::set<std::filesystem::path> const& paths) {
  using LayerTraits = typename Core::LayerTraits;
  Discarded done;
  if (paths.empty()) return done;
  std::set<std::filesystem::path> roots;
  std::set<std::filesystem::path> temp_dirs;
  for (auto const& path : paths)
    if (path.filename().native().starts_with(paths::temp_dir::directory_prefix)) {
      roots.insert(path.parent_path());
      temp_dirs.insert(path);
    }
  std::set<std::filesystem::path> dead;
  for (auto const& root : roots)
    for (auto const& seen : sys::StagingDirectory::look(root))
      if (!seen.in_use && temp_dirs.contains(seen.path)) dead.insert(seen.path);
  if (!dead.empty()) {  // what was noted there is still to be done: it goes after that
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
    auto const known = KnownIds::of(core, layers, images, containers);
    auto claims = scan_graph_root(core, known, {.leftover_after = std::chrono::seconds(0)});
    for (auto& claim : scan_run_root(core, known, {.leftover_after = std::chrono::seconds(0)}))
      claims.push_back(std::move(claim));
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
  } catch (std::exception const&) {  // out of sight it is; the next opener tries again
    if (!done.first_error) done.first_error = std::current_exception();
  }
  return done;
}

}  // namespace detail

/// Removes what `usage` calls orphans and what dead processes left, of the graph root and the run root. Names that no
/// program makes up are left alone in the directories of images and containers, as containers/storage does.
///
/// One failure keeps nothing else from going.
/// @throws `Errc::stopped`; `Errc::corrupt_record`: without records everything would be garbage
template <LayerDriver D, class S, DurabilityPolicy Durability, class T>
GarbageReport collect_garbage(Store<D, S, Durability, T> const& store, GarbageOptions const& options = {}) {
  auto& core = store.core();
  GarbageReport report;
  auto const known = known_ids(core);
  ScanOptions const scan{.leftover_after = options.leftover_after};
  auto claims = scan_graph_root(core, known, scan);
  for (auto& claim : scan_run_root(core, known, scan)) claims.push_back(std::move(claim));
  std::erase_if(claims, [](auto const& claim) { return !claim.removable; });
  if (!claims.empty()) forget_changed(claims, known_ids(core));
  std::ranges::sort(claims, {}, &Ownership::path);
  std::set<std::filesystem::path> paths;
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

#pragma once

#include <strata/concepts/usage_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/known_ids.hpp>
#include <strata/store/mount.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/staging_ownership.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <fcntl.h>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <type_traits>
#include <vector>

/// Maps each file and directory of a store to its owner. Usage, garbage collection and the check of leftovers
/// all use this scan.
namespace strata {

/// Options of the scans of graph root and run root.
struct ScanOptions {
  /// Younger temporary files may still be in use by a writer.
  std::chrono::seconds leftover_after = std::chrono::hours(1);
};

namespace detail {

/// True for generated ids: containers/storage generates 64 lower-case hexadecimal digits, and removes only
/// such names from the directories of images and containers.
bool is_generated_id(std::string_view name, std::size_t digits);

bool is_old(fs::path const& path, std::chrono::seconds age);

/// Ownership of a `.tmp-…` file: it is being written, or its writer died.
Ownership temporary_file(fs::path const& path, ScanOptions const& options);

/// Adds the temporary files of a directory.
void own_temporary_files(fs::path const& directory, ScanOptions const& options, std::vector<Ownership>& to);

/// Ids of items that a live process is creating or removing, from its intent records: their files have no
/// record for a moment.
template <class Core>
std::set<std::string, std::less<>> ids_in_work(Core& core) {
  std::set<std::string, std::less<>> ids;
  for (auto const& seen : sys::StagingDirectory::look(core.layer_trash()))
    for (auto const& text : seen.notes)
      if (auto const note = parse_intent(text); note && seen.in_use) ids.insert(note->id);
  return ids;
}

/// Keeps orphans that an unreadable record may refer to.
void spare_unreadable(std::vector<Ownership>& claims, KnownIds const& known);

/// Keeps layers that may still be needed: referred to by a record, mounted or below a mount; also a tar-split
/// or data without a tree, whose layer may be in an image store that is not available.
template <class Core>
void spare_useful(Core& core, KnownIds const& known, std::vector<Ownership>& claims) {
  auto const records = core.template kind_directory<typename Core::LayerTraits>();
  for (auto& claim : claims) {
    if (claim.kind != UsageClass::orphan || claim.subject != Subject::layer || !is_safe_component(claim.id))
      continue;
    auto const keep = [&](char const* why) {
      claim.removable = false;
      claim.reason = why;
    };
    LayerId const id(claim.id);
    if (known.wanted.contains(claim.id))
      keep("its record is lost, and another one needs it");
    else if (claim.path.parent_path() == records && !core.driver().exists(id))
      keep("no record names it; its layer may be in an image store that is not there");
    else if (may_be_mounted(core, id))
      keep("no record names it; it may be mounted, until it is unmounted or the store is shut down by force");
  }
}

/// @param in_work  ids of items that a live process is creating or removing
template <class Traits>
void own_items(fs::path const& directory, std::set<std::string, std::less<>> const& known,
               std::set<std::string, std::less<>> const& in_work, Subject subject, std::string_view extension,
               ScanOptions const& options, std::vector<Ownership>& to) {
  own_temporary_files(directory, options, to);
  for (auto const& path : sys::entries_of(directory)) {
    auto name = path.filename().native();
    bool const is_split = name.ends_with(paths::tar_split_suffix);
    if (is_split)
      name.resize(name.size() - paths::tar_split_suffix.size());
    else if (paths::is_reserved(name, Traits::stem, extension) || !sys::is_directory(path))
      continue;
    bool const is_known = known.contains(name);
    if (!is_known && in_work.contains(name)) {
      to.push_back({.path = path,
                    .kind = UsageClass::staged,
                    .subject = subject,
                    .id = name,
                    .reason = "being made or removed"});
      continue;
    }
    to.push_back({.path = path,
                  .kind = is_known ? UsageClass::referenced : UsageClass::orphan,
                  .subject = subject,
                  .id = name,
                  .reason = is_known ? (is_split ? "its tar-split" : "its data") : "no record names it",
                  .removable = !is_known && is_generated_id(name, Traits::id_digits)});
    if (is_known && !is_split) own_temporary_files(path, options, to);
  }
}

}  // namespace detail

/// Drops orphans that have a record by now or were removed: records are read before files are listed.
void forget_changed(std::vector<Ownership>& claims, KnownIds const& now);

/// Everything below the graph root. A nested entry is not part of the one around it.
template <class Core>
std::vector<Ownership> scan_graph_root(Core& core, KnownIds const& known, ScanOptions const& options = {}) {
  using Serializer = typename Core::Serializer;
  auto const& root = core.options().graph_root;
  std::vector<Ownership> claims{{.path = root, .reason = "store"}};
  if (auto const& images = core.options().image_store; !images.empty())
    claims.push_back({.path = images, .reason = "image store"});
  auto const driver = std::string(core.driver().name());
  std::set<std::string> own{std::string(paths::store_lock), std::string(paths::userns_lock),
                            std::string(paths::journal),    std::string(paths::journal_lock),
                            std::string(paths::marker),     driver};
  auto const in_work = detail::ids_in_work(core);
  auto const kind = [&]<class Traits>(std::type_identity<Traits>, auto const& ids, Subject subject) {
    auto const directory = core.template kind_directory<Traits>();
    own.insert(directory.filename().native());
    claims.push_back({.path = directory, .reason = "records"});
    detail::own_items<Traits>(directory, ids, in_work, subject, std::string_view(Serializer::extension()),
                              options, claims);
  };
  kind(std::type_identity<typename Core::LayerTraits>{}, known.layers, Subject::layer);
  kind(std::type_identity<typename Core::ImageTraits>{}, known.images, Subject::image);
  kind(std::type_identity<typename Core::ContainerTraits>{}, known.containers, Subject::container);
  own_staging_directories(core.layer_trash(), claims);
  auto of_driver = with_ability<std::vector<Ownership>>(
      core.driver(), [&](UsageDriver auto const& able) { return able.ownership(known.layer_ids()); });
  for (auto& claim : of_driver) {
    bool const temporary = claim.kind == UsageClass::staged && claim.subject == Subject::store &&
                           paths::is_temporary(claim.path.filename().native());
    claims.push_back(temporary ? detail::temporary_file(claim.path, options) : std::move(claim));
  }
  for (auto const& path : sys::entries_of(root))
    if (!own.contains(path.filename().native()) &&
        std::ranges::find(claims, path, &Ownership::path) == claims.end() &&
        !paths::is_temporary(path.filename().native()))
      claims.push_back({.path = path, .reason = "another program's"});
  detail::own_temporary_files(root, options, claims);
  detail::spare_unreadable(claims, known);
  detail::spare_useful(core, known, claims);
  return claims;
}

/// The same for the run root, which a reboot also clears.
template <class Core>
std::vector<Ownership> scan_run_root(Core& core, KnownIds const& known, ScanOptions const& options = {}) {
  using Serializer = typename Core::Serializer;
  std::vector<Ownership> claims;
  auto const in_work = detail::ids_in_work(core);
  auto const kind = [&]<class Traits>(std::type_identity<Traits>, auto const& ids, Subject subject) {
    auto const directory = paths::kind_directory(core.options().run_root, core.driver().name(), Traits::stem);
    detail::own_items<Traits>(directory, ids, in_work, subject, std::string_view(Serializer::extension()),
                              options, claims);
  };
  kind(std::type_identity<typename Core::ImageTraits>{}, known.images, Subject::image);
  kind(std::type_identity<typename Core::ContainerTraits>{}, known.containers, Subject::container);
  detail::spare_unreadable(claims, known);
  return claims;
}

/// What `scan_graph_root` finds, then what `scan_run_root` does.
template <class Core>
std::vector<Ownership> scan_roots(Core& core, KnownIds const& known, ScanOptions const& options = {}) {
  auto claims = scan_graph_root(core, known, options);
  std::ranges::move(scan_run_root(core, known, options), std::back_inserter(claims));
  return claims;
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/maintenance/scan.ipp>
#endif

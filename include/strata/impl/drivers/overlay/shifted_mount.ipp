#pragma once

#include <strata/drivers/overlay/composefs.hpp>
#include <strata/drivers/overlay/shifted_mount.hpp>
#include <strata/drivers/shift_owners.hpp>
#include <strata/idmap/range.hpp>
#include <strata/paths.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/mount.hpp>

namespace strata::drivers::overlay::detail {

STRATA_INLINE MappedHomes::MappedHomes(fs::path directory, IdMaps const& maps)
    : directory_(std::move(directory)), names_(maps) {
  make(directory_);
}

STRATA_INLINE MappedHomes::~MappedHomes() {
  try {
    for (auto const& [home, clone] : clones_) sys::unmount(clone);
  } catch (std::exception const&) {  // the next mount of the layer, or its removal, removes them
  }
}

STRATA_INLINE fs::path MappedHomes::operator()(fs::path const& tree) {
  auto const layer = tree.parent_path();
  auto const home = layer.parent_path();
  auto const [clone, is_new] = clones_.try_emplace(home, directory_ / std::to_string(clones_.size()));
  if (is_new) {
    auto const place = clone->second;
    try {
      make(place);
      while (sys::unmount(place)) continue;
      sys::idmapped_bind(home, place, names_);
    } catch (Error const&) {
      clones_.erase(clone);
      throw;
    }
  }
  return clone->second / layer.filename() / tree.filename();
}

STRATA_INLINE void MappedHomes::make(fs::path const& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) sys::throw_errno("mkdir", path);
}

STRATA_INLINE void add_program_map(std::vector<std::string>& options, std::string const& which,
                                   IdMap const& map) {
  if (map.empty()) return;
  if (map.size() == 1 && map.front().size == 1) {
    options.push_back("squash_to_" + which + '=' + std::to_string(map.front().host_id));
    return;
  }
  auto text = which + "mapping=";
  for (auto const& range : map)
    text += ':' + std::to_string(range.container_id) + ':' + std::to_string(range.host_id) + ':' +
            std::to_string(range.size);
  options.push_back(std::move(text));
}

}  // namespace strata::drivers::overlay::detail

namespace strata::drivers::overlay {

STRATA_INLINE void shift_by_program(MountPlan& plan, IdMaps const& maps) {
  detail::add_program_map(plan.options, "uid", maps.uids);
  detail::add_program_map(plan.options, "gid", maps.gids);
}

STRATA_INLINE void mount_shifted(MountPlan plan, fs::path const& layer, IdMaps const& maps) {
  for (auto const& lower : plan.lowers)
    if (is_composefs(lower.parent_path()))
      throw Error(Errc::unsupported,
                  "ID mappings for composefs layer " + lower.parent_path().filename().native());
  detail::MappedHomes homes(plan.target.parent_path() / paths::overlay::mapped, maps);
  for (auto& lower : plan.lowers)
    if (lower.parent_path() != layer) lower = homes(lower);
  mount_overlay(plan);
}

}  // namespace strata::drivers::overlay

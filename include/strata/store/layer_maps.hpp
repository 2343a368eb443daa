#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/idmap/range.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/options.hpp>

#include <optional>
#include <string>

/// Which owners the files of a layer have on disk.
namespace strata {

template <class Record>
IdMaps maps_of(Record const& record) {
  return {.uids = record.uidmap, .gids = record.gidmap};
}

template <class Record>
void set_maps(Record& record, IdMaps const& maps) {
  record.uidmap = maps.uids;
  record.gidmap = maps.gids;
}

/// Can the driver show what is stored with the host's ids with other maps?
template <class Core>
bool shifts_mounts(Core const& core, IdMaps const& maps) {
  if constexpr (IdMapDriver<typename Core::Driver>) return core.driver().shifts(maps);
  return false;
}

/// Maps that a new layer is stored with: those wanted, on a side where none are the parent's, or without a parent the store's
/// default; but none at all where a mount can do it, unless the parent is stored with some already.
/// @throws `Errc::invalid_mappings`; `Errc::unsupported`
template <class Core>
IdMaps stored_maps(Core const& core, WantedMaps const& wanted, std::optional<IdMaps> const& parent) {
  auto const& inherited = parent ? *parent : core.options().default_maps;
  IdMaps maps{.uids = wanted.uids.value_or(inherited.uids), .gids = wanted.gids.value_or(inherited.gids)};
  bool const has_none_below = !parent || parent->empty();
  if (maps.empty() && has_none_below) return {};
  idmap::check(maps);
  if constexpr (!IdMapDriver<typename Core::Driver>)
    throw Error(Errc::unsupported, "ID mappings with driver " + std::string(core.driver().name()));
  return has_none_below && shifts_mounts(core, maps) ? IdMaps{} : maps;
}

/// What a mount is left to do for a container with some maps, on a layer that is stored with others.
/// @throws `Errc::cannot_shift`
template <class Core>
IdMaps mount_maps(Core const& core, IdMaps const& container, LayerRecord const& layer) {
  if (container.empty() || container == maps_of(layer)) return {};
  if (!maps_of(layer).empty() || !shifts_mounts(core, container))
    throw Error(Errc::cannot_shift, "cannot mount layer " + layer.id);
  return container;
}

}  // namespace strata

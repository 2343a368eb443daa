#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/error.hpp>
#include <strata/idmap/range.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/options.hpp>

#include <optional>
#include <string>

/// Owners that a layer's files have on disk.
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

/// True if the driver can mount files stored with host ids under these maps.
template <class Core>
bool shifts_mounts(Core const& core, IdMaps const& maps) {
  return with_ability<bool>(core.driver(), [&](IdMapDriver auto const& able) { return able.shifts(maps); });
}

/// Maps to store a new layer with: the wanted ones, where unset the parent's, or the store's default for a
/// base layer; but host ids where mounts can map, unless the parent is stored with maps.
/// @throws `Errc::invalid_mappings`, `Errc::unsupported`
template <class Core>
IdMaps stored_maps(Core const& core, WantedMaps const& wanted, std::optional<IdMaps> const& parent) {
  auto const& inherited = parent ? *parent : core.options().default_maps;
  IdMaps maps{.uids = wanted.uids.value_or(inherited.uids), .gids = wanted.gids.value_or(inherited.gids)};
  bool const has_none_below = !parent || parent->empty();
  if (maps.empty() && has_none_below) return {};
  idmap::check(maps);
  if (!has_ability(core.driver(), [](IdMapDriver auto const&) {}))
    throw Error(Errc::unsupported, "ID mappings with driver " + std::string(core.driver().name()));
  return has_none_below && shifts_mounts(core, maps) ? IdMaps{} : maps;
}

/// Maps that a mount must apply for a container, on a layer stored with other maps.
/// @throws `Errc::cannot_shift`
template <class Core>
IdMaps mount_maps(Core const& core, IdMaps const& container, LayerRecord const& layer) {
  if (container.empty() || container == maps_of(layer)) return {};
  if (!maps_of(layer).empty() || !shifts_mounts(core, container))
    throw Error(Errc::cannot_shift, "cannot mount layer " + layer.id).about(Subject::layer, layer.id);
  return container;
}

}  // namespace strata

#pragma once

#include <strata/idmap/range.hpp>

#include <algorithm>

namespace strata::idmap::detail {

STRATA_INLINE std::optional<std::int64_t> moved(std::int64_t id, std::int64_t from, std::int64_t to,
                                                std::int64_t size) noexcept {
  auto const offset = static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(from);
  if (id < from || size <= 0 || offset >= static_cast<std::uint64_t>(size)) return std::nullopt;
  auto const result = static_cast<std::int64_t>(static_cast<std::uint64_t>(to) + offset);
  if (to < 0 || result < 0 || result >= id_limit) return std::nullopt;
  return result;
}

STRATA_INLINE std::string text(IdRange const& range) {
  return std::to_string(range.container_id) + ':' + std::to_string(range.host_id) + ':' +
         std::to_string(range.size);
}

STRATA_INLINE bool overlap(std::int64_t a, std::int64_t a_size, std::int64_t b,
                           std::int64_t b_size) noexcept {
  return a < b + b_size && b < a + a_size;
}

STRATA_INLINE bool is_possible(IdRange const& range) noexcept {
  return range.size > 0 && range.size <= id_limit && range.container_id >= 0 &&
         range.container_id <= id_limit - range.size && range.host_id >= 0 &&
         range.host_id <= id_limit - range.size;
}

STRATA_INLINE void check(IdMap const& map) {
  std::string conflicts;
  int count = 0;
  for (auto range = map.begin(); range != map.end(); ++range) {
    bool const good = is_possible(*range) && std::none_of(map.begin(), range, [&](IdRange const& other) {
                        return overlap(range->container_id, range->size, other.container_id, other.size) ||
                               overlap(range->host_id, range->size, other.host_id, other.size);
                      });
    if (good) continue;
    if (!is_possible(*range))
      throw Error(Errc::invalid_mappings,
                  "the specified UID and/or GID mapping " + text(*range) + " is not a range of IDs");
    conflicts += (count++ == 0 ? "" : ", ") + text(*range);
  }
  if (count == 0) return;
  throw Error(Errc::invalid_mappings, std::string("the specified UID and/or GID mapping") +
                                          (count == 1 ? " " : "s ") + conflicts +
                                          (count == 1 ? " conflicts" : " conflict") + " with other mappings");
}

}  // namespace strata::idmap::detail

namespace strata::idmap {

STRATA_INLINE std::optional<std::int64_t> to_host(IdMap const& map, std::int64_t id) noexcept {
  if (map.empty()) return id;
  for (auto const& range : map)
    if (auto const found = detail::moved(id, range.container_id, range.host_id, range.size)) return found;
  return std::nullopt;
}

STRATA_INLINE std::optional<std::int64_t> to_container(IdMap const& map, std::int64_t id) noexcept {
  if (map.empty()) return id;
  for (auto const& range : map)
    if (auto const found = detail::moved(id, range.host_id, range.container_id, range.size)) return found;
  return std::nullopt;
}

STRATA_INLINE std::int64_t host_id(IdMap const& map, std::int64_t id) {
  if (auto const found = to_host(map, id)) return *found;
  throw Error(Errc::invalid_mappings,
              "container ID " + std::to_string(id) + " cannot be mapped to a host ID");
}

STRATA_INLINE std::int64_t container_id(IdMap const& map, std::int64_t id) {
  if (auto const found = to_container(map, id)) return *found;
  throw Error(Errc::invalid_mappings,
              "host ID " + std::to_string(id) + " cannot be mapped to a container ID");
}

STRATA_INLINE Owner root_of(IdMaps const& maps) {
  auto const side = [](IdMap const& map) {
    return map.size() == 1 && map.front().size == 1 ? map.front().host_id : host_id(map, 0);
  };
  return {side(maps.uids), side(maps.gids)};
}

STRATA_INLINE bool is_contiguous(IdMap const& map) noexcept {
  return std::adjacent_find(map.begin(), map.end(), [](IdRange const& a, IdRange const& b) {
           return !detail::is_possible(a) || a.container_id + a.size != b.container_id ||
                  a.host_id + a.size != b.host_id;
         }) == map.end();
}

STRATA_INLINE void check(IdMaps const& maps) {
  detail::check(maps.uids);
  detail::check(maps.gids);
}

}  // namespace strata::idmap

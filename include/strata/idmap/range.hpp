#pragma once

#include <strata/error.hpp>
#include <strata/id_map.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata {

namespace idmap {

namespace detail {

/// Maps `id` from the `size` ids starting at `from` to those starting at `to`. Unsigned arithmetic, as ranges
/// may come from files of other programs and must not overflow.
inline std::optional<std::int64_t> moved(std::int64_t id, std::int64_t from, std::int64_t to,
                                         std::int64_t size) noexcept {
  auto const offset = static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(from);
  if (id < from || size <= 0 || offset >= static_cast<std::uint64_t>(size)) return std::nullopt;
  auto const result = static_cast<std::int64_t>(static_cast<std::uint64_t>(to) + offset);
  if (to < 0 || result < 0 || result >= id_limit) return std::nullopt;
  return result;
}

inline std::string text(IdRange const& range) {
  return std::to_string(range.container_id) + ':' + std::to_string(range.host_id) + ':' +
         std::to_string(range.size);
}

inline bool overlap(std::int64_t a, std::int64_t a_size, std::int64_t b, std::int64_t b_size) noexcept {
  return a < b + b_size && b < a + a_size;
}

inline bool is_possible(IdRange const& range) noexcept {
  return range.size > 0 && range.size <= id_limit && range.container_id >= 0 &&
         range.container_id <= id_limit - range.size && range.host_id >= 0 &&
         range.host_id <= id_limit - range.size;
}

inline void check(IdMap const& map) {
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

}  // namespace detail

/// Maps a container id to a host id; empty if the map does not have it. An empty map is the identity. Linear
/// in the number of ranges.
///
///     idmap::to_host({{.container_id = 0, .host_id = 100000, .size = 65536}}, 33);  // 100033
inline std::optional<std::int64_t> to_host(IdMap const& map, std::int64_t id) noexcept {
  if (map.empty()) return id;
  for (auto const& range : map)
    if (auto const found = detail::moved(id, range.container_id, range.host_id, range.size)) return found;
  return std::nullopt;
}

/// Maps a host id to a container id, likewise.
inline std::optional<std::int64_t> to_container(IdMap const& map, std::int64_t id) noexcept {
  if (map.empty()) return id;
  for (auto const& range : map)
    if (auto const found = detail::moved(id, range.host_id, range.container_id, range.size)) return found;
  return std::nullopt;
}

/// As `to_host`.
/// @throws `Errc::invalid_mappings` if the map does not have the id
inline std::int64_t host_id(IdMap const& map, std::int64_t id) {
  if (auto const found = to_host(map, id)) return *found;
  throw Error(Errc::invalid_mappings,
              "container ID " + std::to_string(id) + " cannot be mapped to a host ID");
}

/// As `to_container`.
/// @throws `Errc::invalid_mappings` if the map does not have the id
inline std::int64_t container_id(IdMap const& map, std::int64_t id) {
  if (auto const found = to_container(map, id)) return *found;
  throw Error(Errc::invalid_mappings,
              "host ID " + std::to_string(id) + " cannot be mapped to a container ID");
}

/// User and group of a file.
struct Owner {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool operator==(Owner const&) const = default;
};

/// The host ids of a container's root; for a map of a single id, that id.
/// @throws `Errc::invalid_mappings` if root is not mapped
inline Owner root_of(IdMaps const& maps) {
  auto const side = [](IdMap const& map) {
    return map.size() == 1 && map.front().size == 1 ? map.front().host_id : host_id(map, 0);
  };
  return {side(maps.uids), side(maps.gids)};
}

/// True if all ranges are adjacent and in order on both sides, so that the map is a single offset. An invalid
/// range (of another program) makes it false if another follows.
inline bool is_contiguous(IdMap const& map) noexcept {
  return std::adjacent_find(map.begin(), map.end(), [](IdRange const& a, IdRange const& b) {
           return !detail::is_possible(a) || a.container_id + a.size != b.container_id ||
                  a.host_id + a.size != b.host_id;
         }) == map.end();
}

/// @throws `Errc::invalid_mappings`: a range that is empty or exceeds 32-bit ids, or ranges that overlap on
///   either side
inline void check(IdMaps const& maps) {
  detail::check(maps.uids);
  detail::check(maps.gids);
}

}  // namespace idmap
}  // namespace strata

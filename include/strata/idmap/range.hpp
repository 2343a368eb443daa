#pragma once

#include <strata/error.hpp>
#include <strata/id_map.hpp>
#include <strata/separate.hpp>

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
std::optional<std::int64_t> moved(std::int64_t id, std::int64_t from, std::int64_t to,
                                  std::int64_t size) noexcept;

std::string text(IdRange const& range);

bool overlap(std::int64_t a, std::int64_t a_size, std::int64_t b, std::int64_t b_size) noexcept;

bool is_possible(IdRange const& range) noexcept;

void check(IdMap const& map);

}  // namespace detail

/// Maps a container id to a host id; empty if the map does not have it. An empty map is the identity. Linear
/// in the number of ranges.
///
///     idmap::to_host({{.container_id = 0, .host_id = 100000, .size = 65536}}, 33);  // 100033
std::optional<std::int64_t> to_host(IdMap const& map, std::int64_t id) noexcept;

/// Maps a host id to a container id, likewise.
std::optional<std::int64_t> to_container(IdMap const& map, std::int64_t id) noexcept;

/// As `to_host`.
/// @throws `Errc::invalid_mappings` if the map does not have the id
std::int64_t host_id(IdMap const& map, std::int64_t id);

/// As `to_container`.
/// @throws `Errc::invalid_mappings` if the map does not have the id
std::int64_t container_id(IdMap const& map, std::int64_t id);

/// User and group of a file.
struct Owner {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool operator==(Owner const&) const = default;
};

/// The host ids of a container's root; for a map of a single id, that id.
/// @throws `Errc::invalid_mappings` if root is not mapped
Owner root_of(IdMaps const& maps);

/// True if all ranges are adjacent and in order on both sides, so that the map is a single offset. An invalid
/// range (of another program) makes it false if another follows.
bool is_contiguous(IdMap const& map) noexcept;

/// @throws `Errc::invalid_mappings`: a range that is empty or exceeds 32-bit ids, or ranges that overlap on
///   either side
void check(IdMaps const& maps);

}  // namespace idmap
}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/idmap/range.ipp>
#endif

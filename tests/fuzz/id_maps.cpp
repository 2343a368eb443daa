// Invariant: a map read from text has only 32-bit numbers, and read from its own text again is the same; a map that is
// found good takes each id to one that it takes back; sets of ids have as many ids as they say, and a user's subordinate
// ranges follow each other from 0 on.

#include <strata/idmap/map_text.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/set.hpp>
#include <strata/idmap/shift.hpp>
#include <strata/idmap/subid.hpp>

#include "fuzz.hpp"

using namespace strata;

namespace {

std::string text_of(IdMap const& map) {
  std::string out;
  for (auto const& range : map) out += (out.empty() ? "" : ":") + idmap::detail::text(range);
  return out;
}

void check_good(IdMap const& map) {
  for (auto const& range : map)
    for (auto const offset : {std::int64_t{0}, range.size / 2, range.size - 1}) {
      auto const host = idmap::to_host(map, range.container_id + offset);
      fuzz::require(host == range.host_id + offset, "an id of the container has one of the host");
      fuzz::require(idmap::to_container(map, *host) == range.container_id + offset, "and that leads back");
    }
}

void check_sets(IdMap const& map, IdMap const& other) {
  idmap::IdSet set;
  set.add_hosts(map);
  auto const all = set.size();
  set.remove_hosts(other);
  fuzz::require(set.size() <= all, "removing adds nothing");
  std::int64_t last = -2;
  for (auto const& [first, end] : set.intervals()) {
    fuzz::require(first > last && end > first, "intervals that neither touch nor overlap");
    fuzz::require(set.contains(first) && set.contains(end - 1) && !set.contains(end), "the ids in between");
    last = end;
  }
  if (auto const half = set.lowest(set.size() / 2)) {
    fuzz::require(half->size() == set.size() / 2, "as many as asked for");
    auto const zipped = idmap::zip(*half, *half);
    for (auto const& range : zipped) fuzz::require(range.host_id == range.container_id, "each for itself");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const subordinate = input.flag();
  auto const first = std::string(input.part('\n'));
  auto const rest = input.text();
  if (subordinate) {
    std::int64_t next = 0;
    for (auto const& range : idmap::subordinate_ranges(rest, first, 1000)) {
      fuzz::require(range.container_id == next && range.size > 0, "one behind another");
      fuzz::require(range.host_id >= 0 && range.host_id <= 0xffff'ffff && range.size <= 0xffff'ffff,
                    "numbers of 32 bits");
      next += range.size;
    }
    return 0;
  }
  auto const map = idmap::parse_map(first);
  if (!map) return 0;
  fuzz::require(idmap::parse_map(text_of(*map)) == map, "its text is the map");
  bool const good = !fuzz::outcome({Errc::invalid_mappings}, [&] { idmap::check({*map, {}}); });
  if (good) check_good(*map);
  static_cast<void>(idmap::is_contiguous(*map));
  auto const other = idmap::parse_map(rest).value_or(IdMap());
  check_sets(*map, other);
  for (auto const id : {std::int64_t{0}, std::int64_t{65534}, std::int64_t{0xffff'fffe}})
    fuzz::outcome({Errc::invalid_mappings}, [&] {
      auto const owner = idmap::Shift({*map, other}, {other, *map})({id, id});
      fuzz::require(owner.uid >= 0 && owner.gid >= 0 && owner.uid < idmap::id_limit, "an id that can be");
    });
  return 0;
}

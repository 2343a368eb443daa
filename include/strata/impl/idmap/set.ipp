#pragma once

#include <strata/idmap/range.hpp>
#include <strata/idmap/set.hpp>

namespace strata::idmap {

STRATA_INLINE void IdSet::add(std::int64_t first, std::int64_t size) {
  if (size <= 0) return;
  auto end = first + size;
  auto at = intervals_.upper_bound(first);
  if (at != intervals_.begin() && std::prev(at)->second >= first) --at;
  while (at != intervals_.end() && at->first <= end) {
    first = std::min(first, at->first);
    end = std::max(end, at->second);
    at = intervals_.erase(at);
  }
  intervals_.emplace(first, end);
}

STRATA_INLINE void IdSet::remove(std::int64_t first, std::int64_t size) {
  if (size <= 0) return;
  auto const end = first + size;
  auto at = intervals_.upper_bound(first);
  if (at != intervals_.begin() && std::prev(at)->second > first) --at;
  while (at != intervals_.end() && at->first < end) {
    auto const [old_first, old_end] = *at;
    at = intervals_.erase(at);
    if (old_first < first) intervals_.emplace(old_first, first);
    if (old_end > end) intervals_.emplace(end, old_end);
  }
}

STRATA_INLINE void IdSet::add_hosts(IdMap const& map) {
  for (auto const& range : map)
    if (detail::is_possible(range)) add(range.host_id, range.size);
}

STRATA_INLINE void IdSet::remove_hosts(IdMap const& map) {
  for (auto const& range : map)
    if (detail::is_possible(range)) remove(range.host_id, range.size);
}

STRATA_INLINE void IdSet::remove_containers(IdMap const& map) {
  for (auto const& range : map)
    if (detail::is_possible(range)) remove(range.container_id, range.size);
}

STRATA_INLINE bool IdSet::contains(std::int64_t id) const {
  auto const at = intervals_.upper_bound(id);
  return at != intervals_.begin() && std::prev(at)->second > id;
}

STRATA_INLINE std::int64_t IdSet::size() const noexcept {
  std::int64_t sum = 0;
  for (auto const& [first, end] : intervals_) sum += end - first;
  return sum;
}

STRATA_INLINE std::optional<IdSet> IdSet::lowest(std::int64_t count) const {
  IdSet out;
  for (auto const& [first, end] : intervals_) {
    auto const taken = std::min(count, end - first);
    out.add(first, taken);
    count -= taken;
    if (count <= 0) return out;
  }
  return count <= 0 ? std::optional(out) : std::nullopt;
}

STRATA_INLINE IdMap zip(IdSet const& containers, IdSet const& hosts) {
  IdMap map;
  auto container = containers.intervals().begin();
  auto host = hosts.intervals().begin();
  std::int64_t container_done = 0;
  std::int64_t host_done = 0;
  while (container != containers.intervals().end() && host != hosts.intervals().end()) {
    auto const container_left = container->second - container->first - container_done;
    auto const host_left = host->second - host->first - host_done;
    auto const size = std::min(container_left, host_left);
    map.push_back({container->first + container_done, host->first + host_done, size});
    container_done += size;
    host_done += size;
    if (size == container_left) ++container, container_done = 0;
    if (size == host_left) ++host, host_done = 0;
  }
  return map;
}

}  // namespace strata::idmap

#pragma once

#include <strata/idmap/range.hpp>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace strata::idmap {

/// A set of ids, stored as intervals that neither touch nor overlap.
class IdSet {
 public:
  using Intervals = std::map<std::int64_t, std::int64_t>;  ///< first id -> one past the last

  IdSet() = default;
  /// The `size` ids starting at `first`.
  IdSet(std::int64_t first, std::int64_t size) { add(first, size); }

  /// Adds the `size` ids starting at `first`. Logarithmic in the number of intervals, plus those merged.
  void add(std::int64_t first, std::int64_t size) {
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

  /// Removes the `size` ids starting at `first`; likewise.
  void remove(std::int64_t first, std::int64_t size) {
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

  /// Add or remove one side of a map. Invalid ranges, written by other programs, are ignored.
  void add_hosts(IdMap const& map) {
    for (auto const& range : map)
      if (detail::is_possible(range)) add(range.host_id, range.size);
  }
  void remove_hosts(IdMap const& map) {
    for (auto const& range : map)
      if (detail::is_possible(range)) remove(range.host_id, range.size);
  }
  void remove_containers(IdMap const& map) {
    for (auto const& range : map)
      if (detail::is_possible(range)) remove(range.container_id, range.size);
  }

  bool contains(std::int64_t id) const {
    auto const at = intervals_.upper_bound(id);
    return at != intervals_.begin() && std::prev(at)->second > id;
  }

  std::int64_t size() const noexcept {
    std::int64_t sum = 0;
    for (auto const& [first, end] : intervals_) sum += end - first;
    return sum;
  }
  bool empty() const noexcept { return intervals_.empty(); }
  Intervals const& intervals() const noexcept { return intervals_; }

  /// The lowest `count` ids; empty if there are fewer.
  std::optional<IdSet> lowest(std::int64_t count) const {
    IdSet out;
    for (auto const& [first, end] : intervals_) {
      auto const taken = std::min(count, end - first);
      out.add(first, taken);
      count -= taken;
      if (count <= 0) return out;
    }
    return count <= 0 ? std::optional(out) : std::nullopt;
  }

  bool operator==(IdSet const&) const = default;

 private:
  Intervals intervals_;
};

/// Maps the ids of one set to those of another of the same size, in ascending order.
inline IdMap zip(IdSet const& containers, IdSet const& hosts) {
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

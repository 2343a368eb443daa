#pragma once

#include <strata/id_map.hpp>
#include <strata/separate.hpp>

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
  void add(std::int64_t first, std::int64_t size);

  /// Removes the `size` ids starting at `first`; likewise.
  void remove(std::int64_t first, std::int64_t size);

  /// Add or remove one side of a map. Invalid ranges, written by other programs, are ignored.
  void add_hosts(IdMap const& map);
  void remove_hosts(IdMap const& map);
  void remove_containers(IdMap const& map);

  bool contains(std::int64_t id) const;

  std::int64_t size() const noexcept;
  bool empty() const noexcept { return intervals_.empty(); }
  Intervals const& intervals() const noexcept { return intervals_; }

  /// The lowest `count` ids; empty if there are fewer.
  std::optional<IdSet> lowest(std::int64_t count) const;

  bool operator==(IdSet const&) const = default;

 private:
  Intervals intervals_;
};

/// Maps the ids of one set to those of another of the same size, in ascending order.
IdMap zip(IdSet const& containers, IdSet const& hosts);

}  // namespace strata::idmap

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/idmap/set.ipp>
#endif

#pragma once

#include <strata/error.hpp>
#include <strata/idmap/range.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace strata::idmap {

/// Stands for ids that are not mapped (proc(5), /proc/sys/kernel/overflowuid; the default value).
inline constexpr std::int64_t overflow_id = 65534;

/// Converts file owners from one pair of id maps to another, as containers/storage does: host id to container
/// id by the old maps, then to host id by the new ones. Owner 0:0 is treated as the container's root if the
/// old maps lack it, as the store creates files as root. An id that the new maps lack becomes `overflow_id`.
class Shift {
 public:
  Shift(IdMaps from, IdMaps to) : from_(std::move(from)), to_(std::move(to)) {}

  bool changes_nothing() const noexcept { return from_ == to_; }

  /// @throws `Errc::invalid_mappings`: an owner other than root that the old maps do not have
  Owner operator()(Owner const& owner) const;

 private:
  IdMaps from_;
  IdMaps to_;
};

}  // namespace strata::idmap

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/idmap/shift.ipp>
#endif

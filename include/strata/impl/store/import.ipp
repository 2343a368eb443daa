#pragma once

#include <strata/store/import.hpp>
#include <strata/sys/trash.hpp>

#include <algorithm>

namespace strata::detail {

STRATA_INLINE void OwnerSet::add(std::int64_t id) {
  if (id == last_ || id < 0 || id > 0xffffffffLL) return;
  last_ = id;
  auto const value = static_cast<std::uint32_t>(id);
  auto const at = std::ranges::lower_bound(ids_, value);
  if (at == ids_.end() || *at != value) ids_.insert(at, value);
}

STRATA_INLINE std::string_view base_name(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);
}

STRATA_INLINE void ProgressMeter::end(std::uint64_t bytes) {
  if (!sink_) return;
  now_.bytes = bytes;
  now_.total_bytes = bytes;
  sink_(now_);
}

STRATA_INLINE Bytes MeteredReader::next() {
  auto const block = in_.next();
  meter_.report([&] { return in_.bytes_in(); });
  return block;
}

}  // namespace strata::detail

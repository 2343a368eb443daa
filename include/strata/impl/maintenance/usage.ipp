#pragma once

#include <strata/maintenance/usage.hpp>
#include <strata/progress.hpp>

#include <set>

namespace strata {

STRATA_INLINE std::string_view to_text(UsageClass kind) noexcept {
  constexpr std::string_view words[] = {"referenced", "staged", "trash", "orphan"};
  return words[static_cast<int>(kind)];
}

STRATA_INLINE std::uint64_t blocks_below(fs::path const& path) {
  std::uint64_t bytes = 0;
  sys::walk_blocks(path, [&](fs::path const&, std::uint64_t size) { bytes += size; });
  return bytes;
}

}  // namespace strata

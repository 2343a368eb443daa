#pragma once

#include <strata/store/over_former.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

namespace strata {

STRATA_INLINE bool is_over_former(fs::path const& tar_split) {
  auto const fd = sys::find_at(tar_split, O_RDONLY);
  if (!fd) return false;
  std::array<char, over_former_mark.size()> begin{};
  auto const n = sys::read_some(fd->get(), begin.data(), begin.size(), tar_split);
  return std::string_view(begin.data(), n) == over_former_mark;
}

}  // namespace strata

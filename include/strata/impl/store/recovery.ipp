#pragma once

#include <strata/store/intent_log.hpp>
#include <strata/store/recovery.hpp>
#include <strata/sys/staging_directory.hpp>

#include <algorithm>

namespace strata {

STRATA_INLINE bool Recovery::is_data_left(fs::path const& trash) {
  if (no_data_left_) return false;
  bool const left = std::ranges::any_of(sys::StagingDirectory::look(trash), [](auto const& seen) {
    return !seen.in_use && std::ranges::any_of(seen.notes, &is_about_data);
  });
  no_data_left_ = !left;
  return left;
}

}  // namespace strata

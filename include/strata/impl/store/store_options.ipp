#pragma once

#include <strata/idmap/range.hpp>
#include <strata/store/store_options.hpp>

namespace strata::detail {

STRATA_INLINE bool is_same_directory(fs::path const& one, fs::path const& other) {
  boost::system::error_code error;
  return one == other || fs::equivalent(one, other, error);
}

}  // namespace strata::detail

#pragma once

#include <strata/clean_path.hpp>
#include <strata/fs.hpp>

namespace strata {

STRATA_INLINE fs::path clean(fs::path const& path) {
  return path.empty() ? path : fs::path(clean_path(path.native()));
}

STRATA_INLINE std::string base_name(fs::path const& path) {
  return path.native().substr(path.native().rfind('/') + 1);
}

}  // namespace strata

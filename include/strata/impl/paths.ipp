#pragma once

#include <strata/paths.hpp>

namespace strata::paths {

STRATA_INLINE fs::path kind_directory(fs::path const& root, std::string_view driver, std::string_view stem) {
  return root / (std::string(driver) + '-' + std::string(stem));
}

STRATA_INLINE bool is_temporary(std::string_view name) {
  return name.starts_with(temporary_prefix) && name.size() > temporary_prefix.size();
}

STRATA_INLINE bool is_reserved(std::string_view name, std::string_view stem, std::string_view extension) {
  auto const file = std::string(stem) + '.' + std::string(extension);
  return name == file || name == std::string(volatile_prefix) + file || name == table_trash ||
         name.ends_with(lock_extension) || name.ends_with(tar_split_suffix) ||
         name.starts_with(temporary_prefix) || name.find(damaged_infix) != std::string_view::npos;
}

}  // namespace strata::paths

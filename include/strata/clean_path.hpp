#pragma once

#include <strata/separate.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace strata {

/// True if `clean_path` would return the same text.
bool is_clean_path(std::string_view path);

/// The shortest equivalent path by text alone, like Go's path.Clean: no empty or "." components, ".." removed
/// with the component before it (also at the root), no trailing slash; "." if empty.
std::string clean_path(std::string_view path);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/clean_path.ipp>
#endif

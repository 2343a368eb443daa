#pragma once

#include <strata/separate.hpp>

#include <string_view>

namespace strata {

/// The kind of item that an error or a problem concerns.
enum class Subject { layer, image, container, store };

std::string_view to_text(Subject subject) noexcept;

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/subject.ipp>
#endif

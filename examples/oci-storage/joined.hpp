#pragma once

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/join.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace oci_storage {

/// The texts of a range, one after the other, with the separator between them.
template <class Texts>
std::string joined(Texts&& texts, std::string_view separator) {
  return ranges::views::join(std::forward<Texts>(texts), separator) | ranges::to<std::string>();
}

}  // namespace oci_storage

#pragma once

#include <strata/oci/document.hpp>
#include <strata/oci/host_document.hpp>
#include <strata/sys/file.hpp>

namespace strata::oci::detail {

STRATA_INLINE boost::json::value parse_host_document(std::string_view text, std::string_view where) {
  return of_host([&] { return parse_document(text, where); });
}

STRATA_INLINE std::optional<std::string> read_host_document(fs::path const& path) {
  return sys::read_limited(path, DocumentLimits().bytes);
}

}  // namespace strata::oci::detail

#pragma once

#include <strata/error.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/transport.hpp>
#include <strata/separate.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// Reads one page of a list of tags: `{"name": ..., "tags": [...]}` (distribution-spec 1.1, "Listing Tags"). What is no tag by the
/// grammar of references is left out.
/// @param where  for errors
/// @throws `Errc::corrupt_document`, `Errc::over_budget`
std::vector<std::string> parse_tags(std::string_view text, std::string const& where,
                                    DocumentLimits const& limits = {});

/// Where the next page is: the target of the `Link` header with `rel="next"` (RFC 8288); none on the last page.
std::optional<std::string> next_page(HttpHeaders const& headers);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/tag_list.ipp>
#endif

#pragma once

#include <strata/separate.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// What a server wants to see before it answers: one challenge of a `WWW-Authenticate` header (RFC 9110, section 11.6.1).
struct Challenge {
  std::string scheme = {};                             ///< in lower case: "basic", "bearer"
  std::map<std::string, std::string> parameters = {};  ///< by name in lower case, unquoted

  std::string parameter(std::string_view name) const;  ///< empty if there is none
};

/// Reads the challenges of a header, of which there may be several. What is malformed ends the list; of parameters above 32
/// and values above 4 KiB nothing is kept.
std::vector<Challenge> parse_challenges(std::string_view header);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/www_authenticate.ipp>
#endif

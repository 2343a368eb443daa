#pragma once

#include <strata/error.hpp>
#include <strata/oci/transport.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// An answer of a registry that is not what was asked for, as errors tell of it.
struct Refusal {
  int status = 0;
  std::string code = {};     ///< "MANIFEST_UNKNOWN"; empty if the answer states none
  std::string message = {};  ///< what the registry says, fit to be shown; may be empty

  /// "status 404, MANIFEST_UNKNOWN, “manifest unknown”"
  std::string text() const;
};

/// Reads what an answer says of its reason: the first of `{"errors": [...]}` (distribution-spec 1.1, "Error Codes"), or
/// `{"error": ..., "error_description": ...}` of servers of tokens. Anything else, as pages of HTML, is left out.
/// @param secrets  what must not be shown, whatever the registry has written
/// Reads at most 64 KiB of the body; does not throw what reading it throws.
Refusal read_refusal(HttpResponse& response, std::vector<std::string> const& secrets = {});

/// A text from strangers, as errors show it: at most `most` bytes, all but printable ASCII escaped as in C.
std::string shown(std::string_view text, std::size_t most = 200);

/// The same error, whose subject begins with what was asked for.
Error with_subject(Error const& error, std::string const& subject);

/// The first bytes of a body. @throws what reading it throws
std::string read_at_most(Source& body, std::size_t bytes);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/registry_error.ipp>
#endif

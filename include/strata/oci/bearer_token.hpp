#pragma once

#include <strata/error.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/oci/transport.hpp>
#include <strata/oci/url.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// A token that a registry takes for a while (distribution, "Token Authentication Specification").
struct BearerToken {
  std::string text = {};
  std::chrono::seconds lifetime = std::chrono::seconds(60);
};

/// What a token is asked for.
struct TokenRequest {
  Url realm = {};
  std::string service = {};
  std::vector<std::string> scopes = {};  ///< "repository:team/tool:pull,push"
};

/// The request for a token: by POST with an identity token (OAuth 2), else by GET, with user name and password if there
/// are any.
HttpRequest token_request(TokenRequest const& wanted, std::optional<Credentials> const& credentials);

/// Reads the answer: `token` or `access_token`, and `expires_in`, which counts as a minute if it is less or absent.
/// @param where  for errors: the server
/// @throws `Errc::unexpected_answer` if there is no token that fits into a header; an error tells nothing of the text
BearerToken parse_token(std::string_view text, std::string const& where);

/// The value of `Authorization` for user name and password (RFC 7617).
std::string basic_authorization(Credentials const& credentials);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/bearer_token.ipp>
#endif

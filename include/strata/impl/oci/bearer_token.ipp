#pragma once

#include <strata/oci/bearer_token.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/sys/stream.hpp>

#include <boost/json/value.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace strata::oci {

namespace detail {

inline void add_field(std::string& to, std::string_view name, std::string_view value) {
  if (!to.empty()) to += '&';
  ((to += name) += '=') += percent_encoded(value);
}

}  // namespace detail

STRATA_INLINE std::string basic_authorization(Credentials const& credentials) {
  return "Basic " + detail::base64(credentials.username + ':' + credentials.password);
}

STRATA_INLINE HttpRequest token_request(TokenRequest const& wanted,
                                        std::optional<Credentials> const& credentials) {
  HttpRequest request{.url = wanted.realm.str()};
  request.headers.add("Accept", "application/json");
  std::string fields;
  if (credentials && !credentials->identity_token.empty()) {
    std::string scopes;
    for (auto const& scope : wanted.scopes) scopes += (scopes.empty() ? "" : " ") + scope;
    detail::add_field(fields, "grant_type", "refresh_token");
    detail::add_field(fields, "service", wanted.service);
    detail::add_field(fields, "client_id", "strata");
    detail::add_field(fields, "scope", scopes);
    detail::add_field(fields, "refresh_token", credentials->identity_token);
    request.method = "POST";
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    request.body_size = fields.size();
    request.body = memory_source(std::move(fields));
    return request;
  }
  if (!wanted.service.empty()) detail::add_field(fields, "service", wanted.service);
  for (auto const& scope : wanted.scopes) detail::add_field(fields, "scope", scope);
  if (credentials && !credentials->username.empty()) {
    detail::add_field(fields, "account", credentials->username);
    request.headers.add("Authorization", basic_authorization(*credentials));
  }
  if (!fields.empty()) request.url += (request.url.find('?') == std::string::npos ? '?' : '&') + fields;
  return request;
}

STRATA_INLINE BearerToken parse_token(std::string_view text, std::string const& where) {
  auto const refused = [&] { return Error(Errc::unexpected_answer, where + ": no token in the answer"); };
  boost::json::value document;
  try {
    document = parse_document(text, "token", {.bytes = std::size_t{1} << 20, .values = 4096});
  } catch (Error const&) {  // whose text may have a part of the token
    throw refused();
  }
  if (!document.is_object()) throw refused();
  auto const& members = document.get_object();
  BearerToken out;
  for (auto const* const name : {"access_token", "token"})
    if (auto const* const value = members.if_contains(name);
        value != nullptr && value->is_string() && !value->get_string().empty())
      out.text = value->get_string();
  auto const is_of_header = [](char c) { return c > 0x20 && c < 0x7f; };
  if (out.text.empty() || !std::ranges::all_of(out.text, is_of_header)) throw refused();
  constexpr std::int64_t longest = 30 * 86'400;
  if (auto const* const lifetime = members.if_contains("expires_in");
      lifetime != nullptr && lifetime->is_int64() && lifetime->get_int64() > out.lifetime.count())
    out.lifetime = std::chrono::seconds(std::min(lifetime->get_int64(), longest));
  return out;
}

}  // namespace strata::oci

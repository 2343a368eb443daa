#pragma once

#include <strata/separate.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace strata::oci {

/// A URL of HTTP (RFC 3986), as registries state them in headers. A value.
struct Url {
  std::string scheme = {};  ///< "http" or "https"
  std::string host = {};    ///< in lower case; an IPv6 address in its brackets
  std::string port = {};    ///< digits; empty: the scheme's own
  std::string target = {};  ///< path and query: "/v2/"

  std::string origin() const;  ///< "https://host:port": what an error may show
  std::string str() const { return origin() + target; }
  /// The same host, port and scheme: what is sent to one may be sent to the other.
  bool same_origin(Url const& other) const;

  bool operator==(Url const&) const = default;

  /// Reads a complete URL; its fragment is dropped.
  /// @return none for another scheme, a user's part, white space and control characters, and what is none
  static std::optional<Url> parse(std::string_view text);
  /// Reads a URL that may be relative to this one: "https://…", "//host/…", "/path", "path" or "?query".
  std::optional<Url> resolve(std::string_view text) const;
};

/// Where a host is that others than this one must not lead to.
enum class HostPlace {
  anywhere,
  loopback,    ///< 127.0.0.0/8, ::1, "localhost", and addresses that mean this host: 0.0.0.0/8, ::
  link_local,  ///< 169.254.0.0/16, fe80::/10: among them services that give clouds' machines their keys
};

/// Of a name or an address, in each form that a resolver takes: "127.1", "0x7f000001", "[::ffff:127.0.0.1]". Of a name it
/// only knows "localhost" and what is below that.
HostPlace place_of_host(std::string_view host);

/// A text with each byte escaped that is not an unreserved character of RFC 3986.
std::string percent_encoded(std::string_view text);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/url.ipp>
#endif

#pragma once

#include <strata/oci/transport.hpp>
#include <strata/oci/url.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstddef>
#include <netinet/in.h>

namespace strata::oci {

namespace detail {

inline bool is_of_url(char c) noexcept {
  return c > ' ' && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\';
}

/// Reads "host", "host:port" or "[address]:port" into a URL.
inline bool read_authority(std::string_view text, Url& to) {
  std::size_t end = text.find(':');
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos) return false;
    ++end;
  }
  auto const host = text.substr(0, end);
  auto const rest = text.substr(std::min(end, text.size()));
  bool const is_address = host.starts_with('[');
  auto const is_of_host = [&](char c) {
    bool const word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_';
    return word || (is_address && (c == ':' || c == '[' || c == ']'));
  };
  if (host.empty() || host == "[]" || !std::ranges::all_of(host, is_of_host)) return false;
  if (!rest.empty()) {
    auto const port = decimal(rest.substr(1));
    if (rest[0] != ':' || !port || *port == 0 || *port > 65535) return false;
    to.port = std::to_string(*port);
  }
  to.host = host;
  for (auto& c : to.host)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  if (to.port == (to.scheme == "https" ? "443" : "80")) to.port.clear();
  return true;
}

inline HostPlace place_of_ipv4(std::array<unsigned char, 4> const& bytes) {
  if (bytes[0] == 127 || bytes[0] == 0) return HostPlace::loopback;
  return bytes[0] == 169 && bytes[1] == 254 ? HostPlace::link_local : HostPlace::anywhere;
}

inline HostPlace place_of_ipv6(std::array<unsigned char, 16> const& bytes) {
  bool const starts_empty =
      std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; });
  bool const is_mapped =
      starts_empty && ((bytes[10] == 0xff && bytes[11] == 0xff) || (bytes[10] == 0 && bytes[11] == 0));
  // ::1 and :: are read as the addresses of IPv4 that they would embed, 0.0.0.1 and 0.0.0.0: of this host.
  if (is_mapped) return place_of_ipv4({bytes[12], bytes[13], bytes[14], bytes[15]});
  return bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80 ? HostPlace::link_local : HostPlace::anywhere;
}

}  // namespace detail

STRATA_INLINE std::string Url::origin() const {
  return scheme + "://" + host + (port.empty() ? std::string() : ':' + port);
}

STRATA_INLINE bool Url::same_origin(Url const& other) const {
  return scheme == other.scheme && host == other.host && port == other.port;
}

STRATA_INLINE std::optional<Url> Url::parse(std::string_view text) {
  if (!std::ranges::all_of(text, detail::is_of_url)) return {};
  auto const colon = text.find("://");
  if (colon == std::string_view::npos) return {};
  Url out;
  for (std::string_view const known : {"http", "https"})
    if (detail::equal_without_case(text.substr(0, colon), known)) out.scheme = known;
  if (out.scheme.empty()) return {};
  text = text.substr(0, text.find('#'));
  if (text.size() < colon + 3) return {};
  text.remove_prefix(colon + 3);
  auto const end = std::min(text.find_first_of("/?"), text.size());
  if (!detail::read_authority(text.substr(0, end), out)) return {};
  out.target = text.substr(end);
  if (!out.target.starts_with('/')) out.target.insert(0, 1, '/');
  return out;
}

STRATA_INLINE std::optional<Url> Url::resolve(std::string_view text) const {
  auto const first = text.find_first_of(":/?#");
  if (first != std::string_view::npos && text[first] == ':') return parse(text);
  if (text.starts_with("//")) return parse(scheme + ':' + std::string(text));
  if (!std::ranges::all_of(text, detail::is_of_url)) return {};
  auto out = *this;
  auto const path = target.substr(0, target.find('?'));
  text = text.substr(0, text.find('#'));
  if (text.starts_with('/'))
    out.target = text;
  else if (text.starts_with('?'))
    out.target = path + std::string(text);
  else if (!text.empty())
    out.target = path.substr(0, path.rfind('/') + 1) + std::string(text);
  return out;
}

STRATA_INLINE HostPlace place_of_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::string name(host.substr(0, host.find('%')));  // without the zone of an IPv6 address
  while (name.ends_with('.')) name.pop_back();
  std::array<unsigned char, 16> long_address{};
  if (::inet_pton(AF_INET6, name.c_str(), long_address.data()) == 1)
    return detail::place_of_ipv6(long_address);
  in_addr address{};
  if (::inet_aton(name.c_str(), &address) != 0) {
    auto const bits = ntohl(address.s_addr);
    auto const byte = [&](unsigned shift) { return static_cast<unsigned char>(bits >> shift); };
    return detail::place_of_ipv4({byte(24), byte(16), byte(8), byte(0)});
  }
  auto const label = name.substr(name.rfind('.') + 1);
  return detail::equal_without_case(label, "localhost") ? HostPlace::loopback : HostPlace::anywhere;
}

STRATA_INLINE std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (char const c : text) {
    bool const stays = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    auto const byte = static_cast<unsigned char>(c);
    if (stays)
      out += c;
    else
      ((out += '%') += digits[byte >> 4U]) += digits[byte & 15U];
  }
  return out;
}

}  // namespace strata::oci

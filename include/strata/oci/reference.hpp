#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace strata::oci {

/// The name of an image in a registry, normalised as Docker and Podman do: "debian" is "docker.io/library/debian:latest". The
/// grammar is that of github.com/distribution/reference. A value.
///
///     auto const reference = Reference::parse("quay.io:443/team/tool:1.2");
///     connect(reference.domain());  // "quay.io:443"
class Reference {
 public:
  /// Parses "[domain/]path[:tag][@digest]" and completes it: the domain "docker.io", there "library/" before a path of one
  /// word, the tag "latest" if neither tag nor digest is stated.
  ///
  /// What stands before the first slash is a domain if it has a dot or a colon, or is "localhost". 64 hex digits are
  /// refused, as they look like an image's id, and names above 255 bytes. A domain may be an IPv6 address in brackets, which
  /// Podman 4 does not take yet.
  /// @throws `Errc::invalid_reference`, with what is wrong
  static Reference parse(std::string_view text);
  /// The same without this exception. @param error  set to the code, or cleared. @return none after an error
  static std::optional<Reference> parse(std::string_view text, std::error_code& error);
  /// The same, but with the domain "localhost" where none is stated: how Podman names what it builds, commits and loads from
  /// layouts.
  static Reference parse_local(std::string_view text);

  std::string const& domain() const noexcept { return domain_; }  ///< with the port, if one is stated
  std::string const& path() const noexcept { return path_; }      ///< of the repository, in the registry
  std::string const& tag() const noexcept { return tag_; }        ///< empty if there is none
  std::optional<Digest> const& digest() const noexcept { return digest_; }

  std::string name() const { return domain_ + '/' + path_; }  ///< of the repository: without tag and digest
  std::string str() const { return with_suffix(name()); }     ///< complete; parses to an equal reference
  /// As short as it can be typed: "debian:latest".
  std::string familiar() const { return with_suffix(familiar_name()); }

  /// Another image of the same repository. @throws `Errc::invalid_reference`
  Reference with_tag(std::string_view tag) const;
  Reference with_digest(Digest digest) const;

  bool operator==(Reference const&) const = default;

  /// Writes `str()`.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Reference const& reference) {
    out << std::string_view(reference.str());
    return out;
  }

 private:
  Reference() = default;

  /// @return what is wrong with the text; null if nothing is, and `out` is set
  static char const* read(std::string_view text, Reference& out);

  std::string familiar_name() const;
  std::string with_suffix(std::string name) const;

  std::string domain_ = {};
  std::string path_ = {};
  std::string tag_ = {};
  std::optional<Digest> digest_ = {};
};

namespace detail {

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
inline bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }
inline bool is_lower_alnum(char c) noexcept { return (c >= 'a' && c <= 'z') || is_digit(c); }
inline bool is_alnum(char c) noexcept { return is_lower_alnum(c) || is_upper(c); }
inline bool is_word(char c) noexcept { return is_alnum(c) || c == '_'; }

/// Labels of letters, digits and inner hyphens, or an IPv6 address in brackets; and a port.
bool is_registry_domain(std::string_view text);
/// Runs of small letters and digits, between which stand one dot, one or two underscores, or any number of hyphens.
bool is_path_component(std::string_view text);
bool is_tag(std::string_view text);
/// True if what stands before the first slash is a domain, not a part of the path.
bool states_domain(std::string_view text);
bool looks_like_id(std::string_view text);

}  // namespace detail

}  // namespace strata::oci

template <>
struct std::hash<strata::oci::Reference> {
  std::size_t operator()(strata::oci::Reference const& reference) const {
    return std::hash<std::string>{}(reference.str());
  }
};

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/reference.ipp>
#endif

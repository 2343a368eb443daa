#pragma once

#include <strata/conf/find_credentials.hpp>
#include <strata/conf/host.hpp>
#include <strata/conf/registries.hpp>
#include <strata/fs.hpp>
#include <strata/oci/curl_transport.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry.hpp>
#include <strata/sys/fd.hpp>

#include "command.hpp"
#include <fcntl.h>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Registries as a user of Podman names them, and gets into them.
namespace oci_storage {

using ImageRegistry = strata::oci::Registry<strata::oci::CurlTransport>;

/// What this host says of registries.
struct RegistryAccess {
  strata::conf::Host host = strata::conf::Host::current();
  strata::conf::Registries registries = strata::conf::Registries::load(host);
};

/// "user:password".
inline strata::oci::Credentials given_credentials(std::string const& text) {
  auto const colon = text.find(':');
  if (colon == 0 || colon == text.npos) throw std::runtime_error("--creds: must be USERNAME:PASSWORD");
  return {.username = text.substr(0, colon), .password = text.substr(colon + 1)};
}

/// A file that was named must be there, even if no registry asks.
inline strata::fs::path auth_file(Options const& options) {
  strata::fs::path const file = options.text("authfile");
  if (!file.empty()) static_cast<void>(strata::sys::open_at(AT_FDCWD, file, O_RDONLY));
  return file;
}

/// How to speak to a registry.
/// @param insecure  as registries.conf has it, for a user who does not say
inline strata::oci::RegistryOptions registry_options(RegistryAccess const& access, Options const& options,
                                                     bool insecure, std::stop_token stop) {
  strata::oci::RegistryOptions out{
      .verify_tls = !insecure,
      .certificates = options.text("cert-dir"),
      .certificate_roots = strata::oci::certificate_roots(access.host.home_directory()),
      .stop = std::move(stop)};
  if (options.given("tls-verify")) out.verify_tls = options.flag("tls-verify");
  if (options.given("creds")) {
    auto const given = given_credentials(options.text("creds"));
    out.credentials = [given](strata::oci::Reference const&) { return given; };
  } else {
    strata::conf::CredentialOptions const places{.auth_file = auth_file(options),
                                                 .helpers = access.registries.credential_helpers()};
    using Found = std::optional<strata::oci::Credentials>;
    out.credentials = [host = access.host, places](strata::oci::Reference const& of) {
      auto found = strata::conf::find_credentials(of, host, places);
      return found.username.empty() && found.identity_token.empty() ? Found() : Found(std::move(found));
    };
  }
  return out;
}

/// The name without the transport that a user may state before it, if that was done.
inline std::optional<std::string_view> after_transport(std::string_view text) {
  constexpr std::string_view transport = "docker://";
  return text.starts_with(transport) ? std::optional(text.substr(transport.size())) : std::nullopt;
}

/// Images of registries that a user may mean by a name, in the order in which they are tried. Without "docker://" before it it
/// may be short.
inline std::vector<strata::oci::Reference> images_meant(RegistryAccess const& access, std::string_view text) {
  auto const complete = after_transport(text);
  return complete ? std::vector{strata::oci::Reference::parse(*complete)} : access.registries.resolve(text);
}

}  // namespace oci_storage

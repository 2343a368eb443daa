#pragma once

#include <strata/oci/curl_transport.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry.hpp>

#include "command.hpp"
#include <cstdlib>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

/// Registries as a user of Podman names them, and gets into them.
namespace oci_storage {

using ImageRegistry = strata::oci::Registry<strata::oci::CurlTransport>;

/// Credentials from files. Who knows how to read them, does so here.
/// @param file  of `--authfile`; empty: those where Podman looks
inline strata::oci::FindCredentials credentials_of_files(std::string const& file) {
  if (!file.empty()) throw std::runtime_error("--authfile " + file + ": not supported yet, use --creds");
  return {};
}

/// "user:password".
inline strata::oci::Credentials given_credentials(std::string const& text) {
  auto const colon = text.find(':');
  if (colon == 0 || colon == text.npos) throw std::runtime_error("--creds: must be USERNAME:PASSWORD");
  return {.username = text.substr(0, colon), .password = text.substr(colon + 1)};
}

inline strata::oci::RegistryOptions registry_options(Options const& options, std::stop_token stop) {
  auto const* const home = std::getenv("HOME");
  strata::oci::RegistryOptions out{
      .certificates = options.text("cert-dir"),
      .certificate_roots = strata::oci::certificate_roots(home != nullptr ? home : ""),
      .stop = std::move(stop)};
  if (options.given("tls-verify")) out.verify_tls = options.flag("tls-verify");
  if (options.given("creds")) {
    auto const given = given_credentials(options.text("creds"));
    out.credentials = [given](strata::oci::Reference const&) { return given; };
  } else {
    out.credentials = credentials_of_files(options.text("authfile"));
  }
  return out;
}

/// An image of a registry by its name, which may be short and may have "docker://" before it.
inline strata::oci::Reference registry_reference(std::string_view text) {
  constexpr std::string_view transport = "docker://";
  if (text.starts_with(transport)) text.remove_prefix(transport.size());
  return strata::oci::Reference::parse(text);
}

}  // namespace oci_storage

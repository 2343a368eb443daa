#pragma once

#include <strata/conf/host.hpp>
#include <strata/conf/search.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/auth_file.hpp>
#include <strata/oci/credential_helper.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/oci/reference.hpp>
#include <strata/sys/fd.hpp>

#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace strata::conf {

/// A file in which credentials may be.
struct AuthPlace {
  fs::path path;
  oci::AuthFormat format = oci::AuthFormat::current;
};

/// Files with credentials, in the order in which Podman and skopeo read them; most of them do not exist.
///
/// First the one that is named, `$REGISTRY_AUTH_FILE`, or `$XDG_RUNTIME_DIR/containers/auth.json`
/// (`/run/containers/<uid>/auth.json`); then `$XDG_CONFIG_HOME/containers/auth.json`, `$DOCKER_CONFIG/config.json`
/// (`~/.docker/config.json`), `~/.dockercfg`.
/// @param named  as of `--authfile`; may be empty
inline std::vector<AuthPlace> auth_places(Host const& host, fs::path const& named = {}) {
  std::vector<AuthPlace> out;
  auto const add = [&](fs::path const& directory, char const* file,
                       oci::AuthFormat format = oci::AuthFormat::current) {
    if (!directory.empty()) out.push_back({directory / file, format});
  };
  fs::path const home = host.home_directory();
  auto const below_home = [&](char const* name) { return home.empty() ? home : home / name; };
  auto const or_else = [&](char const* variable, fs::path const& standard) {
    auto const value = host.variable(variable);
    return value.empty() ? standard : fs::path(value);
  };
  if (auto const given = named.empty() ? fs::path(host.variable("REGISTRY_AUTH_FILE")) : named;
      !given.empty())
    out.push_back({given});
  else if (auto const runtime = host.variable("XDG_RUNTIME_DIR"); !runtime.empty())
    add(runtime, "containers/auth.json");
  else
    add(host.system / "run/containers" / std::to_string(host.uid), "auth.json");
  add(or_else("XDG_CONFIG_HOME", below_home(".config")), "containers/auth.json");
  add(or_else("DOCKER_CONFIG", below_home(".docker")), "config.json");
  add(home, ".dockercfg", oci::AuthFormat::legacy);
  return out;
}

/// What `find_credentials` looks into.
struct CredentialOptions {
  fs::path auth_file = {};  ///< as of `--authfile`, which must exist
  /// Credential helpers that are asked for any registry, as of registries.conf. The one of this name stands for the files.
  std::vector<std::string> helpers = {"containers-auth.json"};
  oci::AuthFile::Ask ask = {};  ///< how a helper is asked; empty: as `oci::ask_credential_helper` does
};

namespace detail {

inline std::optional<oci::Credentials> find_in_files(oci::Reference const& of, Host const& host,
                                                     CredentialOptions const& options) {
  for (auto const& place : auth_places(host, options.auth_file))
    if (auto const file = oci::AuthFile::read(place.path, place.format))
      if (auto found = file->find(of, options.ask)) return found;
  return std::nullopt;
}

}  // namespace detail

/// Credentials for a repository, as Podman and skopeo find them: of the first helper, and of the first file, that has some.
/// @param of  the reference that is connected to, where registries.conf rewrites it
/// @return all empty if there are none
/// @throws ENOENT, "open <path>", for `CredentialOptions::auth_file`; if nothing has any, what the first of the helpers or
///   files that failed threw: `errno`, `Errc::configuration`, `Errc::over_budget`
/// @code
/// auto const credentials = conf::find_credentials(reference, conf::Host::current());
/// @endcode
inline oci::Credentials find_credentials(oci::Reference const& of, Host const& host,
                                         CredentialOptions const& options = {}) {
  if (auto const& named = options.auth_file; !named.empty() && !detail::file_exists(named))
    sys::throw_errno("open", named);
  std::exception_ptr failure;
  for (auto const& helper : options.helpers) {
    try {
      auto const found = helper == "containers-auth.json" ? detail::find_in_files(of, host, options)
                         : options.ask                    ? options.ask(helper, of.domain())
                                                          : oci::ask_credential_helper(helper, of.domain());
      if (found) return *found;
    } catch (std::system_error const&) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
  return {};
}

}  // namespace strata::conf

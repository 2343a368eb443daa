#pragma once

#include <strata/error.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/separate.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace strata::oci {

/// Asks a credential helper: the program `docker-credential-<name>` of `$PATH`, as
/// github.com/docker/docker-credential-helpers defines it. It may use the terminal, and is killed when the time is over.
/// @param server  as the helper knows it: the host of a registry, or a URL
/// @return none if it has no credentials for it
/// @throws `Errc::configuration`: the name is none of a helper, or the helper fails or answers something else; `errno`, "run
///   docker-credential-<name>": ENOENT if there is none, ETIMEDOUT. Nothing that it said stands in the error
std::optional<Credentials> ask_credential_helper(std::string_view name, std::string_view server,
                                                 std::chrono::milliseconds time = std::chrono::minutes(2));

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/credential_helper.ipp>
#endif

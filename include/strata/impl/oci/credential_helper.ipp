#pragma once

#include <strata/oci/credential_helper.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/members.hpp>
#include <strata/oci/reference.hpp>
#include <strata/sys/ask_program.hpp>

#include <algorithm>

namespace strata::oci {

STRATA_INLINE std::optional<Credentials> ask_credential_helper(std::string_view name, std::string_view server,
                                                               std::chrono::milliseconds time) {
  // A word of one program's name: with a slash it would be a path.
  if (name.empty() ||
      !std::ranges::all_of(name, [](char c) { return detail::is_word(c) || c == '-' || c == '.'; }))
    throw Error(Errc::configuration, "\"" + std::string(name) + "\": not the name of a credential helper");
  auto const program = "docker-credential-" + std::string(name);
  auto const where = program + " for " + std::string(server);
  auto const ended = sys::ask_program({program, "get"}, {.input = std::string(server) + '\n', .time = time});
  if (!ended.succeeded()) {
    // What the protocol has instead of a code of its own.
    if (ended.said.starts_with("credentials not found in native keychain")) return std::nullopt;
    throw Error(Errc::configuration, where + ": " + ended.text());
  }
  try {
    auto const document = parse_document(ended.said, where);
    Members members(document, where);
    auto username = members.text("Username");
    auto secret = members.text("Secret");
    // Docker's word for a user who has a token.
    if (username == "<token>") return Credentials{.identity_token = std::move(secret)};
    return Credentials{.username = std::move(username), .password = std::move(secret)};
  } catch (Error const&) {
    throw Error(Errc::configuration, where + ": not an answer of a credential helper");
  }
}

}  // namespace strata::oci

#pragma once

#include <strata/archive/base64.hpp>
#include <strata/oci/auth_file.hpp>
#include <strata/oci/credential_helper.hpp>
#include <strata/oci/host_document.hpp>
#include <strata/oci/members.hpp>

#include <cstddef>
#include <utility>

namespace strata::oci {

namespace detail {

/// The host of a key: of a URL, and of any key of a legacy file, what stands before the path.
inline std::string host_of_key(std::string_view key, AuthFormat format) {
  auto rest = key;
  for (std::string_view const scheme : {"http://", "https://"})
    if (rest.starts_with(scheme)) {
      rest.remove_prefix(scheme.size());
      break;
    }
  if (format == AuthFormat::legacy || rest.size() != key.size()) rest = rest.substr(0, rest.find('/'));
  return std::string(rest == "docker.io" || rest == "registry-1.docker.io" ? "index.docker.io" : rest);
}

/// Docker's name of its registry in what it has credentials by.
inline constexpr char docker_server[] = "https://index.docker.io/v1/";

}  // namespace detail

STRATA_INLINE AuthFile AuthFile::parse(std::string_view text, std::string where, AuthFormat format) {
  return detail::of_host([&] {
    AuthFile out;
    auto const document = detail::parse_host_document(text, where);
    auto const add_entries = [&](boost::json::value const& entries, std::string const& place) {
      if (!entries.is_object()) throw Error(Errc::corrupt_document, place + ": not an object");
      for (auto const& [key, value] : entries.get_object()) {
        std::string const name(key);
        if (value.is_null()) {
          out.entries_.try_emplace(name);
          continue;
        }
        Members entry(value, place + "[\"" + name + "\"]");
        out.entries_.emplace(name, Entry{entry.text("auth"), entry.text("identitytoken")});
        entry.check_names();
      }
    };
    if (format == AuthFormat::legacy) {
      add_entries(document, where);
    } else {
      Members members(document, where);
      if (auto const* const entries = members.find("auths")) add_entries(*entries, members.where("auths"));
      out.helpers_ = members.text_map("credHelpers");
      out.store_ = members.text("credsStore");
      members.check_names();
    }
    out.where_ = std::move(where);
    out.format_ = format;
    return out;
  });
}

STRATA_INLINE std::optional<AuthFile> AuthFile::read(fs::path const& path, AuthFormat format) {
  auto const text = detail::read_host_document(path);
  if (!text) return std::nullopt;
  return parse(*text, path.native(), format);
}

STRATA_INLINE auto AuthFile::find_entry(Reference const& of, std::string& key) const -> Entry const* {
  for (key = format_ == AuthFormat::legacy ? of.domain() : of.name();;) {
    if (auto const found = entries_.find(key); found != entries_.end()) return &found->second;
    auto const slash = key.rfind('/');
    if (slash == std::string::npos) break;
    key.resize(slash);
  }
  auto const host = detail::host_of_key(of.domain(), format_);
  for (auto const& [name, entry] : entries_)
    if (detail::host_of_key(name, format_) == host) {
      key = name;
      return &entry;
    }
  return nullptr;
}

STRATA_INLINE std::optional<Credentials> AuthFile::decode(std::string const& key, Entry const& entry) const {
  std::string text = entry.auth;
  std::erase_if(text, [](char c) { return c == '\n' || c == '\r'; });  // as Go's decoder
  std::string decoded(text.size() / 4 * 3, '\0');
  auto const size = archive::base64_decode(text, reinterpret_cast<std::byte*>(decoded.data()));
  if (!size) throw Error(Errc::configuration, where_ + ": auths[\"" + key + "\"].auth: not base64");
  decoded.resize(*size);
  Credentials out{.identity_token = entry.identity_token};
  if (auto const colon = decoded.find(':'); colon != std::string::npos) {
    out.username = decoded.substr(0, colon);
    out.password = decoded.substr(colon + 1);
    // Docker's padding of short passwords, once.
    out.password.erase(out.password.find_last_not_of('\0') + 1);
    out.password.erase(0, out.password.find_first_not_of('\0'));
  }
  if (out.identity_token.empty() && (out.username.empty() || out.password.empty())) return std::nullopt;
  return out;
}

STRATA_INLINE std::optional<Credentials> AuthFile::find(Reference const& of, Ask const& ask) const {
  auto const asked = [&](std::string const& helper, std::string const& server) {
    return ask ? ask(helper, server) : ask_credential_helper(helper, server);
  };
  if (auto const helper = helpers_.find(of.domain()); helper != helpers_.end())
    return asked(helper->second, of.domain());
  bool const is_docker = of.domain() == "docker.io";
  if (auto const helper = helpers_.find(detail::docker_server); is_docker && helper != helpers_.end())
    return asked(helper->second, detail::docker_server);
  std::string key;
  if (auto const* const entry = find_entry(of, key))
    if (auto found = decode(key, *entry)) return found;
  if (store_.empty()) return std::nullopt;
  return asked(store_, is_docker ? detail::docker_server : of.domain());
}

}  // namespace strata::oci

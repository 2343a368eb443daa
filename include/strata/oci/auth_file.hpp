#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/oci/reference.hpp>
#include <strata/separate.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace strata::oci {

/// The formats of files with credentials.
enum class AuthFormat {
  current,  ///< auth.json, and Docker's config.json: entries below "auths", and credential helpers
  legacy,   ///< .dockercfg: just the entries
};

/// A file with credentials for registries, as containers-auth.json(5) and Docker have it. A value. No secret stands in an
/// error.
class AuthFile {
 public:
  /// Asks a credential helper, as `ask_credential_helper` does.
  using Ask = std::function<std::optional<Credentials>(std::string const& name, std::string const& server)>;

  /// @param where  names the file in errors
  /// @throws `Errc::configuration`, `Errc::over_budget`
  static AuthFile parse(std::string_view text, std::string where, AuthFormat format = AuthFormat::current);
  /// Empty if there is no such file.
  /// @throws also `errno`, "open <path>", "read <path>"
  static std::optional<AuthFile> read(fs::path const& path, AuthFormat format = AuthFormat::current);

  /// What the file has for a repository. In this order: the helper that "credHelpers" has for the registry; the entry of the
  /// repository, of the namespaces above it, and of the registry; one for a URL with that host, where "docker.io" is also
  /// "index.docker.io", which older versions wrote; the helper "credsStore".
  /// @return none if it has none, and if an entry is empty
  /// @throws `Errc::configuration` for an entry that is not base64; what `ask` throws
  std::optional<Credentials> find(Reference const& of, Ask const& ask = {}) const;

 private:
  struct Entry {
    std::string auth = {};  ///< base64 of "<user>:<password>"
    std::string identity_token = {};
  };
  std::optional<Credentials> decode(std::string const& key, Entry const& entry) const;
  Entry const* find_entry(Reference const& of, std::string& key) const;

  std::string where_ = {};
  AuthFormat format_ = AuthFormat::current;
  std::map<std::string, Entry> entries_ = {};
  std::map<std::string, std::string> helpers_ = {};  // of "credHelpers", by registry
  std::string store_ = {};                           // of "credsStore"
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/auth_file.ipp>
#endif

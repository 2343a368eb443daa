#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/reference.hpp>
#include <strata/separate.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// What a policy calls an image: the transport that it comes by, and its scopes in there, the most specific one first.
struct PolicyScopes {
  std::string transport = {};            ///< "docker", "oci", …
  std::vector<std::string> scopes = {};  ///< without "", which stands for all of the transport

  /// Of a registry ("docker"): the reference, its repository, the namespaces above, the host with its port, and
  /// "*.example.com" for the domains above the host. A reference with a tag and a digest is looked up by its digest.
  static PolicyScopes of(Reference const& reference);
  /// Of a file or directory: its path without symbolic links, and those above it but "/". As in containers/image, what
  /// image of the file is meant does not matter.
  /// @param transport  "dir", "oci", "oci-archive"
  /// @throws `errno`, "realpath <path>"
  static PolicyScopes of_path(std::string transport, fs::path const& path);
  /// Of a "docker-archive", which has no scopes.
  static PolicyScopes of_docker_archive();
  /// Of a store ("containers-storage"): "[driver@root]name@id", without the id, the namespaces above, the store, and "[root]".
  /// @param reference  none for an image without a name
  static PolicyScopes of_store(std::string_view driver, fs::path const& graph_root,
                               std::optional<Reference> const& reference, std::string_view id);

  /// The transport and the most specific scope, for errors.
  std::string text() const;
};

/// What a host demands of images before it uses them, as containers-policy.json(5) has it. Signatures are not verified
/// here, so an image that is to be signed is refused. A value.
///
///     Policy::read("/etc/containers/policy.json").check(PolicyScopes::of(reference));
class Policy {
 public:
  /// Parses a policy, as strictly as containers/image: a member that is not known, or twice there, is an error.
  /// @param where  names the file in errors
  /// @throws `Errc::configuration`, `Errc::over_budget`
  static Policy parse(std::string_view text, std::string where);
  /// @throws also `errno`, "open <path>": a host without a policy allows nothing, as with skopeo
  static Policy read(fs::path const& path);

  /// Refuses an image that what is demanded of it does not let through.
  /// @throws `Errc::image_forbidden`, with the file, the scope and the requirement
  void check(PolicyScopes const& image) const;

 private:
  /// Names of the types, of which all must be met.
  using Requirements = std::vector<std::string>;
  using Scopes = std::map<std::string, Requirements, std::less<>>;

  std::string where_ = {};
  Requirements standard_ = {};
  std::map<std::string, Scopes, std::less<>> transports_ = {};
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/policy.ipp>
#endif

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/registry_session.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// Puts one blob into a repository of a registry (distribution-spec 1.1, "Pushing Blobs").
class BlobUpload {
 public:
  /// @param session  outlives the object
  /// @param path     of the repository in the registry: "team/tool"
  /// @param name     of the repository, for errors: "quay.io/team/tool"
  /// @param blob     outlives the object
  BlobUpload(RegistrySession& session, std::string path, std::string name, Descriptor const& blob);

  /// True if the registry has the blob.
  bool exists();
  /// Asks the registry to take the blob from one of its other repositories. @return true if it did
  bool mount(std::vector<std::string> const& repositories);
  /// Sends the blob; the last bytes only after all were verified.
  /// @throws `Errc::digest_mismatch`, what the source throws, and what `RegistrySession` throws; the registry is then told to
  ///   drop what it got, unless the session was stopped
  void put(Source in);

 private:
  RegistryCall call(std::string_view method, std::string target) const;
  void begin();
  /// @param asked  the target of the request
  void follow(HttpResponse const& response, std::string const& asked);
  void cancel() noexcept;
  void put_text(std::string text);
  void put_stream(Source in);
  void put_chunks(Source in);
  void put_chunk(std::string const& chunk, std::uint64_t offset);
  /// How much of a blob arrived.
  std::uint64_t arrived();
  void commit(RegistryCall last);

  RegistrySession& session_;
  std::string path_;
  Descriptor const& blob_;
  std::string subject_;
  std::vector<std::string> scopes_;
  std::string location_ = {};      // of the upload; empty: none has begun
  std::uint64_t least_chunk_ = 0;  // that the registry takes
};

/// The scope of a token for a repository. @param actions  "pull" or "pull,push"
std::string repository_scope(std::string_view path, std::string_view actions);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/blob_upload.ipp>
#endif

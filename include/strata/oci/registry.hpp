#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/registry_options.hpp>
#include <strata/oci/registry_session.hpp>
#include <strata/oci/transport.hpp>
#include <strata/separate.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// A repository of a registry, whatever carries the requests; see `Registry`.
class RegistryRepository {
 public:
  static constexpr bool is_remote = true;
  static constexpr bool wants_plain_layers = false;
  static constexpr bool wants_oci_manifests = false;

  /// @param reference  the repository. Its tag or digest is what an empty reference means
  RegistryRepository(SendRequest send, Reference reference, RegistryOptions options);

  Reference const& reference() const noexcept { return reference_; }

  /// @param reference  a tag, a digest, or empty
  /// @throws `Errc::image_unknown`, `Errc::digest_mismatch`, `Errc::invalid_reference`, and as below
  RawManifest manifest(std::string_view reference) const;
  /// @throws `Errc::image_unknown` if there is no such blob, and as below
  Source blob(Descriptor const& blob) const;
  Source blob(Descriptor const& blob, ByteRange range) const;
  /// Tags; several requests if there are many. @throws `Errc::over_budget` above 100,000
  std::vector<std::string> references() const;

  bool has_blob(Descriptor const& blob);
  void put_blob(Descriptor const& blob, Source in);
  void put_manifest(std::string_view reference, RawManifest const& manifest,
                    ManifestRole role = ManifestRole::image);
  void finish();

 private:
  struct Waiting {
    std::string reference;
    RawManifest manifest;
    ManifestRole role;
  };

  RegistryCall call(std::string_view method, std::string_view kind, std::string_view name,
                    std::string_view actions) const;
  RawManifest get_manifest(std::string const& reference) const;
  bool has_manifest(std::string const& reference) const;
  std::string subject(std::string_view kind, std::string_view name) const;

  Reference reference_;
  std::shared_ptr<RegistrySession> session_;  // which the sources of blobs need as well
  std::map<Digest, bool> known_ = {};         // blobs of which the registry was asked
  std::vector<Waiting> waiting_ = {};         // manifests for `finish`
};

/// A repository of a registry that speaks the OCI distribution specification 1.1, or Docker's of before.
///
///     oci::Registry registry(oci::CurlTransport(), oci::Reference::parse("quay.io/team/tool:1"));
///     oci::copy_image(registry, images, {.name = registry.reference().str()});
///
/// Requests are tried again as `RegistryOptions` say; a blob whose answer breaks off is resumed. What a registry says of
/// digests is not trusted. As a destination it puts manifests in `finish()`, those that indexes list first.
///
/// Reading is thread-safe. Besides what a member states, all throw `Errc::unavailable`, `Errc::access_denied`,
/// `Errc::tls_failed`, `Errc::unexpected_answer`, `Errc::over_budget`, `Errc::stopped`; no error's text has a credential.
template <Transport T>
class Registry : public RegistryRepository {
 public:
  Registry(T transport, Reference reference, RegistryOptions options = {})
      : RegistryRepository([held = std::make_shared<T>(std::move(transport))](
                               HttpRequest request) { return held->send(std::move(request)); },
                           std::move(reference), std::move(options)) {}
};

static_assert(RemoteImageSource<RegistryRepository> && RangedImageSource<RegistryRepository const> &&
              ListedImageSource<RegistryRepository const> && BlobDestination<RegistryRepository>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/registry.ipp>
#endif

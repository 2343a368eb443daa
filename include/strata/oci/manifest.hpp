#pragma once

#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/separate.hpp>

#include <boost/json/object.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// What a manifest says.
struct ManifestParts {
  Descriptor config;
  std::vector<Descriptor> layers = {};  ///< the lowest first
  std::map<std::string, std::string> annotations = {};
  std::optional<Descriptor> subject = {};  ///< the manifest that this one is about
  std::string artifact_type = {};
  bool states_type = true;           ///< has the member `mediaType`; those of specification 1.0 need not
  boost::json::object unknown = {};  ///< members that the specification does not name
};

/// The manifest of an image or another artifact: OCI image specification 1.1, "Image Manifest", or Docker's schema 2. Keeps
/// the bytes that it was read from, as digests depend on them. A value.
///
///     auto const manifest = Manifest::parse(raw.bytes, raw.media_type);
///     manifest.require_image();
///     for (Descriptor const& layer : manifest.layers()) fetch(layer.digest);
class Manifest {
 public:
  /// @param stated  the media type that the source says, or empty; see `manifest_type`
  /// @throws the codes of `manifest_type` and `read_descriptor`; `Errc::corrupt_document` for an index
  static Manifest parse(std::string bytes, std::string_view stated = {}, DocumentLimits const& limits = {});

  /// Lays one out as containers/image does: compact, `schemaVersion` first; equal parts give equal bytes.
  /// @throws `Errc::unsupported` for what Docker's format has no members for; the codes of `parse`
  static Manifest make(ManifestParts const& parts, Format format = Format::oci);

  std::string const& bytes() const noexcept { return bytes_; }
  Digest const& digest() const noexcept { return digest_; }  ///< SHA-256 of the bytes
  std::string const& media_type() const noexcept { return media_type_; }
  Format format() const noexcept {
    return media_type_ == media_type::docker_manifest ? Format::docker : Format::oci;
  }
  /// Its own descriptor, for an index.
  Descriptor descriptor() const {
    return {.media_type = media_type_, .digest = digest_, .size = bytes_.size()};
  }

  ManifestParts const& parts() const noexcept { return parts_; }
  Descriptor const& config() const noexcept { return parts_.config; }
  std::vector<Descriptor> const& layers() const noexcept { return parts_.layers; }
  std::map<std::string, std::string> const& annotations() const noexcept { return parts_.annotations; }
  std::optional<Descriptor> const& subject() const noexcept { return parts_.subject; }
  std::string const& artifact_type() const noexcept { return parts_.artifact_type; }

  /// True if the configuration is an image's; else it is another artifact (a chart, a signature).
  bool is_image() const noexcept { return is_config(parts_.config.media_type); }
  /// @throws `Errc::not_an_image`, and says what it is
  void require_image() const;

 private:
  Manifest(std::string bytes, Digest digest, std::string media_type, ManifestParts parts);

  std::string bytes_;
  Digest digest_;
  std::string media_type_;
  ManifestParts parts_;
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/manifest.ipp>
#endif

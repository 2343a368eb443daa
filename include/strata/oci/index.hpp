#pragma once

#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/platform.hpp>
#include <strata/separate.hpp>

#include <boost/json/object.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// What an index says.
struct IndexParts {
  std::vector<Descriptor> manifests = {};
  std::map<std::string, std::string> annotations = {};
  std::optional<Descriptor> subject = {};
  std::string artifact_type = {};
  bool states_type = true;           ///< has the member `mediaType`; the index.json of a layout does not
  boost::json::object unknown = {};  ///< members that the specification does not name
};

/// An index of manifests and of other indexes: OCI image specification 1.1, "Image Index", or Docker's manifest list.
/// Keeps the bytes that it was read from, as digests depend on them. A value.
class Index {
 public:
  /// @param stated  the media type that the source says, or empty; see `manifest_type`
  /// @throws the codes of `manifest_type` and `read_descriptor`; `Errc::corrupt_document` for a manifest of one image
  static Index parse(std::string bytes, std::string_view stated = {}, DocumentLimits const& limits = {});

  /// Lays one out as containers/image does: compact, `schemaVersion` first; equal parts give equal bytes.
  /// @throws `Errc::unsupported` for what Docker's format has no members for; the codes of `parse`
  static Index make(IndexParts const& parts, Format format = Format::oci, DocumentLimits const& limits = {});

  std::string const& bytes() const noexcept { return bytes_; }
  Digest const& digest() const noexcept { return digest_; }  ///< SHA-256 of the bytes
  std::string const& media_type() const noexcept { return media_type_; }
  Format format() const noexcept {
    return media_type_ == media_type::docker_index ? Format::docker : Format::oci;
  }
  /// Its own descriptor, for another index.
  Descriptor descriptor() const {
    return {.media_type = media_type_, .digest = digest_, .size = bytes_.size()};
  }

  IndexParts const& parts() const noexcept { return parts_; }
  std::vector<Descriptor> const& manifests() const noexcept { return parts_.manifests; }
  std::map<std::string, std::string> const& annotations() const noexcept { return parts_.annotations; }

  /// The entries that may be, or as an index may have, the image for a platform: the most suitable first, those of which
  /// no platform is stated last, among equals in the order of the index. See `suitability`.
  std::vector<Descriptor> candidates(Platform const& wanted) const;

  /// The first of them, as containers/image chooses.
  /// @throws `Errc::platform_unknown`, and lists what there is
  Descriptor choose(Platform const& wanted) const;

 private:
  Index(std::string bytes, Digest digest, std::string media_type, IndexParts parts);

  std::string bytes_;
  Digest digest_;
  std::string media_type_;
  IndexParts parts_;
};

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/index.ipp>
#endif

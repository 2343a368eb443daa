#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_directory.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/separate.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// A directory of images in the layout of the OCI image specification 1.1 ("Image Layout"): `oci-layout`, `index.json` and
/// `blobs/<algorithm>/<hex>`. A reference is the value of `org.opencontainers.image.ref.name`, or a digest.
///
/// As a destination it adds to the layout, which is created if need be. Several processes may do so at once. What one
/// that is killed had put is there for the next one, and is listed nowhere.
///
/// A layout may come from strangers: see `ImageDirectory`. Reading, `has_blob` and `put_blob` are thread-safe.
class OciLayout {
 public:
  static constexpr bool wants_plain_layers = false;
  static constexpr bool wants_oci_manifests = true;

  /// @param flush  `full`: what is in the layout after `finish()` is on stable storage
  explicit OciLayout(fs::path path, Flush flush = Flush::full) : files_(std::move(path), flush) {}

  fs::path const& path() const noexcept { return files_.path(); }

  RawManifest manifest(std::string_view reference) const { return layout_manifest(files_, reference); }
  Source blob(Descriptor const& blob) const;
  Source blob(Descriptor const& blob, ByteRange range) const;
  std::vector<std::string> references() const { return layout_references(files_); }

  bool has_blob(Descriptor const& blob) const;
  void put_blob(Descriptor const& blob, Source in);
  /// An image whose name is in use takes it from the one that had it, which stays in the layout, as containers/image does.
  /// @throws the codes of `manifest_type`
  void put_manifest(std::string_view reference, RawManifest const& manifest,
                    ManifestRole role = ManifestRole::image);
  void finish();

 private:
  struct Listed {
    std::string reference;
    Descriptor manifest;
  };

  ImageDirectory files_;
  std::vector<Listed> listed_ = {};
};

static_assert(RangedImageSource<OciLayout> && ListedImageSource<OciLayout> && BlobDestination<OciLayout>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/oci_layout.ipp>
#endif

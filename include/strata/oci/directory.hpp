#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_directory.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/separate.hpp>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace strata::oci {

/// A directory with one image, as skopeo's `dir:` and `podman save --format docker-dir` write it: `version`,
/// `manifest.json`, each blob under its hex digits, and, if the image is an index, `<hex>.manifest.json` of those in it.
/// Signatures, `signature-<number>`, are neither read nor written.
///
/// As a destination it takes the place of the image that is there: `manifest.json` is replaced in `finish()`, and then the
/// files of the earlier image that are not of this one are removed. Between the two, a process that is killed
/// leaves files that nothing refers to. Several that write at once would remove each other's files.
///
/// A directory may come from strangers: see `ImageDirectory`. Reading is thread-safe.
class Directory {
 public:
  static constexpr bool wants_plain_layers = false;
  static constexpr bool wants_oci_manifests = false;

  explicit Directory(fs::path path, Flush flush = Flush::full) : files_(std::move(path), flush) {}

  fs::path const& path() const noexcept { return files_.path(); }

  /// @param reference  empty, or a digest
  RawManifest manifest(std::string_view reference) const;
  Source blob(Descriptor const& blob) const;
  Source blob(Descriptor const& blob, ByteRange range) const;

  bool has_blob(Descriptor const& blob) const;
  /// @throws `Errc::unsupported` if the directory has something else than an image
  void put_blob(Descriptor const& blob, Source in);
  /// @param reference  must be empty, as there is no place for a name
  /// @throws `Errc::unsupported` for a second image or a name; the codes of `manifest_type`
  void put_manifest(std::string_view reference, RawManifest const& manifest,
                    ManifestRole role = ManifestRole::image);
  void finish();

 private:
  void prepare();
  void put(std::string const& name, Source in);

  ImageDirectory files_;
  std::optional<std::string> manifest_ = {};
  std::set<std::string> kept_ = {};  // files of the new image
  bool prepared_ = false;
};

static_assert(RangedImageSource<Directory> && BlobDestination<Directory>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/directory.ipp>
#endif

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/oci/archive_writer.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/separate.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// Writes an archive that `docker load` reads, with the bytes that `podman save` and skopeo write for the same blobs in the
/// same order: layers and configurations as they come, then for Docker before 1.10 a directory for each layer, `manifest.json`
/// and `repositories`. Layers must be uncompressed. Other manifests than the one that docker-archives imply are not kept.
class DockerArchiveWriter {
 public:
  static constexpr bool wants_plain_layers = true;
  static constexpr bool wants_oci_manifests = false;

  /// @throws as `ArchiveWriter`
  template <class Codecs = codec::All>
  explicit DockerArchiveWriter(fs::path const& path, ArchiveWriterOptions const& options = {},
                               Codecs const& codecs = {})
      : archive_(path, options, codecs) {}
  template <class Codecs = codec::All>
  DockerArchiveWriter(Sink out, std::string name, ArchiveWriterOptions const& options = {},
                      Codecs const& codecs = {})
      : archive_(std::move(out), std::move(name), options, codecs) {}

  bool has_blob(Descriptor const& blob) const { return blobs_.contains(blob.digest); }
  /// @throws `Errc::over_budget` for a configuration above `DocumentLimits::bytes`
  void put_blob(Descriptor const& blob, Source in);
  /// @param reference  a tag, "name:tag", or empty. An image may be put again under another one
  /// @throws `Errc::unsupported` for an index, a reference with a digest, or layers whose digests are not the configuration's
  ///   DiffIDs; `Errc::invalid_reference`; ENOENT for a blob that was not put; what `Manifest::parse` throws
  void put_manifest(std::string_view reference, RawManifest const& manifest,
                    ManifestRole role = ManifestRole::image);
  void finish();

 private:
  struct Image {
    std::string config;
    std::vector<std::string> tags = {};
    std::vector<std::string> layers = {};
    std::string top = {};  // directory of its uppermost layer
  };

  Image& image_of(Manifest const& manifest);
  /// Writes the directories of an image's layers. @return that of the uppermost; empty if there is no layer
  std::string put_directories(ImageConfig const& config);
  std::string manifest_text() const;
  std::string repositories_text() const;

  ArchiveWriter archive_;
  std::set<Digest> blobs_ = {};
  std::map<Digest, std::string> configs_ = {};
  std::vector<Image> images_ = {};
  std::set<std::string> directories_ = {};
};

static_assert(BlobDestination<DockerArchiveWriter>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/docker_archive_writer.ipp>
#endif

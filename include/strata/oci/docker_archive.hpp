#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/separate.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// A tar of images as `docker save` writes it (Docker 1.10 and later), plain or compressed, in a file or from a pipe: its
/// `manifest.json` names configurations, tags and layers. So do `podman save`, skopeo, Bazel, kaniko, Nix and others.
///
/// The archive has no manifest of the kind that registries have; each image gets one, as with containers/image: Docker's
/// schema 2, in which the layers are the uncompressed ones. A layer that is compressed in the archive is unpacked once to
/// know its size, when its manifest is made, and again when it is read.
///
/// A reference is a tag, "@<number>" of an image in the archive, from 0, or a manifest's digest. Thread-safe.
class DockerArchive {
 public:
  /// @throws as `ArchiveMembers`; `Errc::not_an_image` without a `manifest.json`; `Errc::corrupt_document`; what
  ///   `ImageConfig::parse` throws
  template <class Codecs = codec::All>
  explicit DockerArchive(fs::path const& path, ArchiveOptions const& options = {}, Codecs const& codecs = {})
      : DockerArchive(ArchiveMembers(path, options, codecs)) {}
  template <class Codecs = codec::All>
  DockerArchive(Source in, std::string name, ArchiveOptions const& options = {}, Codecs const& codecs = {})
      : DockerArchive(ArchiveMembers(std::move(in), std::move(name), options, codecs)) {}
  explicit DockerArchive(ArchiveMembers members);

  /// @throws `Errc::image_unknown`; `Errc::digest_mismatch` if a compressed layer is not the one of the configuration
  RawManifest manifest(std::string_view reference) const;
  Source blob(Descriptor const& blob) const;
  /// Each tag, and "@<number>" of images without one.
  std::vector<std::string> references() const;

 private:
  struct Image {
    Descriptor config;
    std::vector<std::string> tags = {};
    std::vector<Digest> diff_ids = {};
  };
  struct Blob {
    std::string member;
    bool is_layer = false;
  };
  /// Sizes of the layers that are compressed, as they become known.
  struct Sizes {
    std::mutex mutex;
    std::map<Digest, std::uint64_t> known;
  };

  void add(std::string const& config, std::vector<std::string> tags, std::vector<std::string> const& layers);
  Image const& find(std::string_view reference) const;
  Manifest manifest_of(Image const& image) const;
  std::uint64_t size_of(Digest const& digest, Blob const& blob) const;
  bool is_compressed(Blob const& blob) const;

  ArchiveMembers members_;
  std::vector<Image> images_ = {};
  std::map<Digest, Blob> blobs_ = {};
  std::unique_ptr<Sizes> sizes_ = std::make_unique<Sizes>();
};

static_assert(ListedImageSource<DockerArchive>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/docker_archive.ipp>
#endif

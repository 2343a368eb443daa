#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/digest.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/archive_writer.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/separate.hpp>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// A tar of an OCI image layout, plain or compressed, in a file or from a pipe; see `OciLayout` and `ArchiveMembers`.
/// Thread-safe.
class OciArchive {
 public:
  /// @throws as `ArchiveMembers`
  template <class Codecs = codec::All>
  explicit OciArchive(fs::path const& path, ArchiveOptions const& options = {}, Codecs const& codecs = {})
      : members_(path, options, codecs) {}
  template <class Codecs = codec::All>
  OciArchive(Source in, std::string name, ArchiveOptions const& options = {}, Codecs const& codecs = {})
      : members_(std::move(in), std::move(name), options, codecs) {}
  explicit OciArchive(ArchiveMembers members) : members_(std::move(members)) {}

  RawManifest manifest(std::string_view reference) const { return layout_manifest(members_, reference); }
  Source blob(Descriptor const& blob) const;
  Source blob(Descriptor const& blob, ByteRange range) const;
  std::vector<std::string> references() const { return layout_references(members_); }

 private:
  ArchiveMembers members_;
};

static_assert(RangedImageSource<OciArchive> && ListedImageSource<OciArchive>);

/// Writes a new one. Blobs are written as they come, and the index last; equal calls make equal archives.
class OciArchiveWriter {
 public:
  static constexpr bool wants_plain_layers = false;
  static constexpr bool wants_oci_manifests = true;

  /// @throws as `ArchiveWriter`
  template <class Codecs = codec::All>
  explicit OciArchiveWriter(fs::path const& path, ArchiveWriterOptions const& options = {},
                            Codecs const& codecs = {})
      : OciArchiveWriter(ArchiveWriter(path, options, codecs)) {}
  template <class Codecs = codec::All>
  OciArchiveWriter(Sink out, std::string name, ArchiveWriterOptions const& options = {},
                   Codecs const& codecs = {})
      : OciArchiveWriter(ArchiveWriter(std::move(out), std::move(name), options, codecs)) {}

  bool has_blob(Descriptor const& blob) const { return blobs_.contains(blob.digest); }
  void put_blob(Descriptor const& blob, Source in);
  /// @throws the codes of `manifest_type`
  void put_manifest(std::string_view reference, RawManifest const& manifest,
                    ManifestRole role = ManifestRole::image);
  void finish();

 private:
  explicit OciArchiveWriter(ArchiveWriter archive) : archive_(std::move(archive)), index_(archive_.name()) {}

  ArchiveWriter archive_;
  LayoutIndex index_;
  std::set<Digest> blobs_ = {};
};

static_assert(BlobDestination<OciArchiveWriter>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/oci_archive.ipp>
#endif

#pragma once

#include <strata/oci/manifest_type.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/sys/stream.hpp>

namespace strata::oci {

STRATA_INLINE Source OciArchive::blob(Descriptor const& blob) const {
  auto const name = layout::blob_name(blob.digest);
  check_size(members_.size(name), blob, members_.name());
  return members_.open(name);
}

STRATA_INLINE Source OciArchive::blob(Descriptor const& blob, ByteRange range) const {
  auto const name = layout::blob_name(blob.digest);
  check_size(members_.size(name), blob, members_.name());
  return members_.open(name, range);
}

STRATA_INLINE void OciArchiveWriter::put_blob(Descriptor const& blob, Source in) {
  if (has_blob(blob)) return;
  VerifiedSource verified(std::move(in), blob, archive_.name());
  if (blobs_.empty()) {
    archive_.directory("blobs");
    archive_.directory("blobs/sha256");
  }
  archive_.file(layout::blob_name(blob.digest), 0644, blob.size, std::move(verified));
  blobs_.insert(blob.digest);
}

STRATA_INLINE void OciArchiveWriter::put_manifest(std::string_view reference, RawManifest const& manifest,
                                                  ManifestRole role) {
  auto const descriptor = manifest_descriptor(manifest);
  put_blob(descriptor, memory_source(manifest.bytes));
  if (role == ManifestRole::image) index_.add(reference, descriptor);
}

STRATA_INLINE void OciArchiveWriter::finish() {
  archive_.file(layout::index, 0644, index_.text());
  archive_.file(layout::marker, 0644, layout::marker_text);
  archive_.finish();
}

}  // namespace strata::oci

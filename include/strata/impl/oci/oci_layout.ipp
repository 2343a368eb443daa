#pragma once

#include <strata/oci/oci_layout.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/sys/stream.hpp>

namespace strata::oci {

STRATA_INLINE Source OciLayout::blob(Descriptor const& blob) const {
  auto const name = layout::blob_name(blob.digest);
  check_size(files_.size(name), blob, files_.name());
  return files_.open(name);
}

STRATA_INLINE Source OciLayout::blob(Descriptor const& blob, ByteRange range) const {
  auto const name = layout::blob_name(blob.digest);
  check_size(files_.size(name), blob, files_.name());
  return files_.open(name, range);
}

STRATA_INLINE bool OciLayout::has_blob(Descriptor const& blob) const {
  return files_.find(layout::blob_name(blob.digest)) == blob.size;
}

STRATA_INLINE void OciLayout::put_blob(Descriptor const& blob, Source in) {
  auto const name = layout::blob_name(blob.digest);
  files_.make_directory("");
  files_.make_directory("blobs/" + std::string(blob.digest.algorithm()));
  files_.put(name, VerifiedSource(std::move(in), blob, files_.name()));
}

STRATA_INLINE void OciLayout::put_manifest(std::string_view reference, RawManifest const& manifest,
                                           ManifestRole role) {
  auto const descriptor = manifest_descriptor(manifest);
  put_blob(descriptor, memory_source(manifest.bytes));
  if (role == ManifestRole::image) listed_.push_back({std::string(reference), descriptor});
}

STRATA_INLINE void OciLayout::finish() {
  files_.make_directory("");
  auto const lock = files_.lock();
  files_.make_directory("blobs/sha256");
  if (files_.contains(layout::marker))
    layout::check_marker(files_.read(layout::marker, DocumentLimits{}.bytes), files_.name() + ": oci-layout");
  else
    files_.put(layout::marker, memory_source(std::string(layout::marker_text)), sys::TemporaryName::fixed);
  auto index = files_.contains(layout::index)
                   ? LayoutIndex(files_.read(layout::index, LayoutIndex::limits.bytes), files_.name())
                   : LayoutIndex(files_.name());
  for (auto const& [reference, manifest] : listed_) index.add(reference, manifest);
  files_.put(layout::index, memory_source(index.text()), sys::TemporaryName::fixed);
  listed_.clear();
}

}  // namespace strata::oci

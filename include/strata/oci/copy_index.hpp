#pragma once

#include <strata/codec/all.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/manifest_type.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/platform.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::oci {

/// Which images of an index are copied.
struct IndexChoice {
  /// One for each, as `copy_image` chooses it; the index then lists others that the destination has not. Empty: all.
  std::vector<Platform> platforms = {};
  std::size_t documents = 4096;  ///< manifests and indexes below the first; more is `Errc::over_budget`
};

/// What was copied.
struct CopiedIndex {
  Digest digest;           ///< of what the destination lists: the index, or the manifest if it was none
  std::size_t images = 0;  ///< manifests that were put, each counted once
};

namespace detail {

/// An entry of an index, and the platforms for which it was chosen; none: it was not chosen for any.
struct ChosenEntry {
  std::size_t entry;
  std::vector<Platform> platforms = {};
};

/// The entries to be copied, in the order of the index. @throws `Errc::platform_unknown`
std::vector<ChosenEntry> chosen_entries(Index const& index, std::vector<Platform> const& platforms);

/// The index over manifests that have become others, and in a format that a place takes.
Index changed_index(Index const& index, std::vector<Descriptor> manifests, Format format);

/// True if the layers of what it describes can be unpacked; not so those of signatures and attestations, which indexes list
/// among images.
bool has_layers_of_images(Manifest const& manifest);

/// A copy of all that a manifest or an index refers to, the lower first.
template <class Codecs, ImageSource S, BlobDestination D>
class IndexCopy {
 public:
  IndexCopy(S& source, D& destination, CopyOptions const& options, std::size_t most)
      : source_(&source), destination_(&destination), options_(&options), most_(most) {}

  /// @return what was put instead of the document: itself, unless it was converted
  Descriptor put(RawManifest document, std::vector<Platform> const& platforms, ManifestRole role,
                 int depth = 0) {
    Control{.progress = {}, .stop = options_->stop}.check();
    if (is_index(manifest_type(document.bytes, document.media_type, options_->documents)))
      return put_index(Index::parse(std::move(document.bytes), document.media_type, options_->documents),
                       platforms, role, depth);
    auto const manifest =
        put_blobs_of(Manifest::parse(std::move(document.bytes), document.media_type, options_->documents));
    put_document(manifest, role);
    ++images_;
    return manifest.descriptor();
  }

  std::size_t images() const noexcept { return images_; }

 private:
  template <class Document>
  void put_document(Document const& document, ManifestRole role) {
    destination_->put_manifest(role == ManifestRole::image ? options_->name : "",
                               {.bytes = document.bytes(), .media_type = document.media_type()}, role);
  }

  Manifest put_blobs_of(Manifest manifest) {
    if (has_layers_of_images(manifest))
      return put_blobs<Codecs>(*source_, *destination_,
                               plan(*source_, std::move(manifest), std::nullopt, options_->documents),
                               *options_);
    auto blobs = manifest.layers();
    blobs.push_back(manifest.config());
    for (auto const& blob : blobs)
      if (!destination_->has_blob(blob))
        destination_->put_blob(blob, blob.data ? memory_source(*blob.data) : source_->blob(blob));
    return manifest;
  }

  Descriptor put_index(Index index, std::vector<Platform> const& platforms, ManifestRole role, int depth) {
    if (depth == most_nested_indexes)
      throw Error(Errc::over_budget, "index " + index.digest().str() + ", too many indexes in each other");
    auto manifests = index.manifests();
    for (auto const& chosen : chosen_entries(index, platforms)) {
      auto& entry = manifests[chosen.entry];
      auto const put = put_entry(entry, chosen.platforms, index, depth);
      if (put.digest == entry.digest) continue;
      entry.digest = put.digest;
      entry.size = put.size;
      entry.media_type = put.media_type;
    }
    auto const format = D::wants_oci_manifests ? Format::oci : options_->format.value_or(index.format());
    if (format != index.format() || manifests != index.manifests())
      index = changed_index(index, std::move(manifests), format);
    put_document(index, role);
    return index.descriptor();
  }

  Descriptor put_entry(Descriptor const& entry, std::vector<Platform> const& platforms, Index const& index,
                       int depth) {
    if (auto const known = put_.find(entry.digest); known != put_.end()) return known->second;
    if (put_.size() == most_)
      throw Error(Errc::over_budget, "index " + index.digest().str() + ", more than " +
                                         std::to_string(most_) + " manifests and indexes");
    auto const result = put(listed_document(*source_, entry), platforms, ManifestRole::child, depth + 1);
    put_.emplace(entry.digest, result);
    return result;
  }

  S* source_;
  D* destination_;
  CopyOptions const* options_;
  std::size_t most_;
  std::map<Digest, Descriptor> put_ = {};  ///< what became of each that an index lists
  std::size_t images_ = 0;
};

}  // namespace detail

/// Copies an index with all images that it lists, those of indexes in it too, or those for some platforms: to mirror or to
/// pack images for several machines, as `skopeo copy --all`. What is no index is copied as `copy_image` does.
///
/// The index keeps its bytes, and so its digest, unless layers are compressed anew or manifests converted. Signatures,
/// attestations and other artifacts that it lists are copied as they are. `options.platform` has no effect. The destination
/// shows the index after its `finish()`.
/// @throws as `copy_image`; `Errc::over_budget` for indexes of which too many are in each other, or that list too many;
///   `Errc::unsupported` if the place takes no index
template <class Codecs = codec::All, ImageSource S, BlobDestination D>
CopiedIndex copy_index(S& source, D& destination, CopyOptions const& options = {},
                       IndexChoice const& choice = {}) {
  detail::IndexCopy<Codecs, S, D> copy(source, destination, options, choice.documents);
  auto const put =
      copy.put(detail::first_document(source, options.reference), choice.platforms, ManifestRole::image);
  return {.digest = put.digest, .images = copy.images()};
}

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/copy_index.ipp>
#endif

#pragma once

#include <strata/error.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/reference.hpp>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace strata::oci {
namespace detail {

/// Of a `manifest.json`: thousands of layers of many images.
inline constexpr DocumentLimits docker_limits{.bytes = std::size_t{16} << 20, .values = 500'000};

/// True if both are names of the same image.
inline bool is_same_tag(std::string_view one, std::string_view other) {
  if (one == other) return true;
  std::error_code error;
  auto const first = Reference::parse(one, error);
  auto const second = Reference::parse(other, error);
  return first && second && *first == *second;
}

}  // namespace detail

STRATA_INLINE DockerArchive::DockerArchive(ArchiveMembers members) : members_(std::move(members)) {
  auto const name = std::string("manifest.json");
  if (!members_.contains(name))
    throw Error(Errc::not_an_image,
                members_.name() + ": no manifest.json, as Docker has written it since 1.10")
        .at(members_.name());
  auto const where = members_.name() + ": " + name;
  auto const document =
      parse_document(members_.read(name, detail::docker_limits.bytes), where, detail::docker_limits);
  auto const* const images = document.if_array();
  if (images == nullptr) throw Error(Errc::corrupt_document, where + ": not a list");
  for (auto const& image : *images) {
    Members read(image, where + '[' + std::to_string(images_.size()) + ']');
    add(read.required_text("Config"), read.texts("RepoTags"), read.texts("Layers"));
  }
}

STRATA_INLINE void DockerArchive::add(std::string const& config, std::vector<std::string> tags,
                                      std::vector<std::string> const& layers) {
  auto text = members_.read(config, DocumentLimits{}.bytes);
  auto const parsed =
      detail::in_archive(members_.name(), [&] { return ImageConfig::parse(std::move(text)); });
  auto const& diff_ids = parsed.diff_ids();
  if (diff_ids.size() != layers.size())
    throw Error(Errc::corrupt_document, members_.name() + ": " + std::to_string(layers.size()) +
                                            " layers, and DiffIDs of " + std::to_string(diff_ids.size()) +
                                            " in " + config)
        .at(members_.name());
  blobs_.insert_or_assign(parsed.digest(), Blob{.member = config});
  for (std::size_t i = 0; i < layers.size(); ++i) blobs_.emplace(diff_ids[i], Blob{layers[i], true});
  images_.push_back({parsed.descriptor(Format::docker), std::move(tags), diff_ids});
}

STRATA_INLINE std::vector<std::string> DockerArchive::references() const {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < images_.size(); ++i) {
    auto const& tags = images_[i].tags;
    if (tags.empty()) out.push_back('@' + std::to_string(i));
    out.insert(out.end(), tags.begin(), tags.end());
  }
  return out;
}

STRATA_INLINE auto DockerArchive::find(std::string_view reference) const -> Image const& {
  auto const unknown = [&](std::string const& what) {
    return Error(Errc::image_unknown, what + " in " + members_.name() + ": it has " +
                                          (images_.empty() ? "no image" : listed(references())))
        .at(members_.name());
  };
  if (reference.empty()) {
    if (images_.size() != 1) throw unknown("one must be named");
    return images_.front();
  }
  if (std::size_t number = 0; reference.starts_with('@')) {
    auto const* const end = reference.data() + reference.size();
    auto const [stop, error] = std::from_chars(reference.data() + 1, end, number);
    if (error == std::errc() && stop == end && number < images_.size()) return images_[number];
  }
  std::error_code no_digest;
  auto const digest = Digest::parse(reference, no_digest);
  for (auto const& image : images_) {
    auto const is_wanted = [&](std::string const& tag) { return detail::is_same_tag(tag, reference); };
    if (digest ? manifest_of(image).digest() == *digest : std::ranges::any_of(image.tags, is_wanted))
      return image;
  }
  throw unknown('"' + std::string(reference) + '"');
}

STRATA_INLINE RawManifest DockerArchive::manifest(std::string_view reference) const {
  auto const made = manifest_of(find(reference));
  return {.bytes = made.bytes(), .media_type = made.media_type()};
}

STRATA_INLINE Manifest DockerArchive::manifest_of(Image const& image) const {
  ManifestParts parts{.config = image.config};
  // containers/image states this type, though the layers are not compressed.
  for (auto const& diff_id : image.diff_ids)
    parts.layers.push_back({.media_type = std::string(media_type::docker_layer_gzip),
                            .digest = diff_id,
                            .size = size_of(diff_id, blobs_.at(diff_id))});
  return Manifest::make(parts, Format::docker);
}

STRATA_INLINE bool DockerArchive::is_compressed(Blob const& blob) const {
  return blob.is_layer && members_.compression(blob.member) != Compression::none;
}

STRATA_INLINE std::uint64_t DockerArchive::size_of(Digest const& digest, Blob const& blob) const {
  if (!is_compressed(blob)) return members_.size(blob.member);
  std::lock_guard const lock(sizes_->mutex);
  if (auto const found = sizes_->known.find(digest); found != sizes_->known.end()) return found->second;
  auto const result = detail::in_archive(members_.name(), [&] {
    auto plain = members_.unpacking().open(members_.open(blob.member), members_.options().plain_bytes);
    while (!plain.next().empty()) {
    }
    return plain.finish();
  });
  if (digest.algorithm() == "sha256" && result.plain_digest != digest)
    throw Error(Errc::digest_mismatch, blob.member + " in " + members_.name() + ": " +
                                           result.plain_digest.str() + " instead of " + digest.str())
        .at(members_.name());
  sizes_->known.emplace(digest, result.plain_size);
  return result.plain_size;
}

STRATA_INLINE Source DockerArchive::blob(Descriptor const& blob) const {
  auto const found = blobs_.find(blob.digest);
  if (found == blobs_.end())
    throw Error(std::error_code(ENOENT, std::system_category()),
                "blob " + blob.digest.str() + " of " + members_.name())
        .at(members_.name());
  check_size(size_of(found->first, found->second), blob, members_.name());
  auto in = members_.open(found->second.member);
  if (!is_compressed(found->second)) return in;
  return members_.unpacking().open(std::move(in), members_.options().plain_bytes);
}

}  // namespace strata::oci

#pragma once

#include <strata/digest.hpp>
#include <strata/oci/image_builder.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/range_source.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/sys/stream.hpp>

#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>

namespace strata::oci {

namespace detail {

/// Bytes of a stream and their digest.
struct Measured {
  Digest digest;
  std::uint64_t size;
};

template <class In>
Measured measure(In in) {
  Hasher hasher;
  std::uint64_t size = 0;
  for (Bytes part = in.next(); !part.empty(); part = in.next()) {
    hasher.update(part);
    size += part.size();
  }
  return {.digest = hasher.finish(), .size = size};
}

}  // namespace detail

STRATA_INLINE ImageBuilder::ImageBuilder(NewImage image, ImageBuilderOptions options)
    : image_(std::move(image)),
      options_(std::move(options)),
      created_(image_.created ? *image_.created : build_time()) {}

STRATA_INLINE void ImageBuilder::add_layer(PlannedLayer layer, std::function<Source()> open,
                                           HistoryEntry step) {
  if (!step.created) step.created = created_;
  step.empty_layer = false;
  layers_.push_back({std::move(layer), std::move(open)});
  history_.push_back(std::move(step));
}

STRATA_INLINE void ImageBuilder::add_step(HistoryEntry step) {
  if (!step.created) step.created = created_;
  step.empty_layer = true;
  history_.push_back(std::move(step));
}

STRATA_INLINE void ImageBuilder::add(std::function<Source()> open, HistoryEntry step, Unpacking unpacking) {
  auto const stored = detail::measure(open());
  auto first = open();
  auto const compression = unpacking.detect(first.next());
  auto const type = layer_media_type(image_.format, compression);
  if (!type) throw Error(Errc::unsupported, "layers of this compression in the manifest's format");
  auto const diff_id = compression == Compression::none
                           ? stored.digest
                           : detail::measure(unpacking.open(open(), options_.plain_bytes)).digest;
  Descriptor blob{.media_type = std::string(*type), .digest = stored.digest, .size = stored.size};
  add_layer({std::move(blob), diff_id}, std::move(open), std::move(step));
}

STRATA_INLINE void ImageBuilder::add_file(fs::path const& file, HistoryEntry step, Unpacking unpacking) {
  boost::system::error_code no_file;
  if (!fs::is_regular_file(file, no_file)) return add_stream(file_source(file), std::move(step), unpacking);
  auto const fd = std::make_shared<sys::Fd const>(sys::open_at(AT_FDCWD, file, O_RDONLY));
  auto const status = sys::status_of(fd->get(), file.native());
  auto const size = static_cast<std::uint64_t>(status.st_size);
  add([fd, size, file] { return range_source(fd, {0, size}, file); }, std::move(step), unpacking);
}

STRATA_INLINE void ImageBuilder::add_stream(Source archive, HistoryEntry step, Unpacking unpacking) {
  auto file = sys::scratch_file(sys::scratch_directory(options_.scratch));
  std::uint64_t size = 0;
  for (Bytes part = archive.next(); !part.empty(); part = archive.next()) {
    sys::write_all(file.get(), part, "layer");
    size += part.size();
  }
  auto const fd = std::make_shared<sys::Fd const>(std::move(file));
  add([fd, size] { return range_source(fd, {0, size}, "layer"); }, std::move(step), unpacking);
}

STRATA_INLINE ImageConfig ImageBuilder::image_config() const {
  ImageConfigParts parts{.created = created_,
                         .author = image_.author,
                         .platform = image_.platform,
                         .config = image_.config,
                         .history = history_};
  for (auto const& layer : layers_) parts.diff_ids.push_back(layer.planned.diff_id);
  return ImageConfig::make(parts);
}

STRATA_INLINE Manifest ImageBuilder::image_manifest() const {
  ManifestParts parts{.config = image_config().descriptor(image_.format), .annotations = image_.annotations};
  for (auto const& layer : layers_) parts.layers.push_back(layer.planned.blob);
  return Manifest::make(parts, image_.format);
}

STRATA_INLINE RawManifest ImageBuilder::manifest(std::string_view reference) const {
  auto const made = image_manifest();
  if (!reference.empty() && reference != made.digest().str())
    throw Error(Errc::image_unknown,
                "\"" + std::string(reference) + "\", the image that is made is " + made.digest().str());
  return {.bytes = made.bytes(), .media_type = made.media_type()};
}

STRATA_INLINE Source ImageBuilder::blob(Descriptor const& blob) const {
  for (auto const& layer : layers_)
    if (layer.planned.blob.digest == blob.digest) {
      check_size(layer.planned.blob.size, blob, "the image that is made");
      return layer.open();
    }
  auto const config = image_config();
  if (config.digest() != blob.digest) throw Error(Errc::data_unknown, "blob " + blob.digest.str());
  check_size(config.bytes().size(), blob, "the image that is made");
  return memory_source(config.bytes());
}

STRATA_INLINE std::vector<std::string> ImageBuilder::references() const {
  return {image_manifest().digest().str()};
}

}  // namespace strata::oci

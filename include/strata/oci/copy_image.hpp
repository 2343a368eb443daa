#pragma once

#include <strata/codec/all.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/checked_layer.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/platform.hpp>
#include <strata/oci/read_ahead.hpp>
#include <strata/oci/repacked_layer.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/oci/watched_source.hpp>
#include <strata/progress.hpp>
#include <strata/store/options.hpp>

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace strata::oci {

/// Where a copy is: before each layer, and while it is brought.
struct CopyProgress {
  std::size_t layer = 0;   ///< from 0, the lowest
  std::size_t layers = 0;  ///< of the image
  std::string blob = {};   ///< digest of the layer
  bool known = false;      ///< the destination has it: nothing is brought
  Progress progress = {};  ///< of the layer
};

/// Which image is copied, and how.
struct CopyOptions {
  std::string reference = {};             ///< as the source's `manifest` takes it; empty: its only image
  std::string name = {};                  ///< what the destination calls it; empty: nothing
  std::optional<Platform> platform = {};  ///< of an index; unset: that of this process
  /// Of layers in a place of blobs. Unset: as the source has them; what a store gives, which is not compressed, becomes gzip.
  std::optional<Compression> compression = {};
  codec::EncodeOptions encode = {};
  /// Of manifests in a place of blobs that takes both. Unset: as the source has them.
  std::optional<Format> format = {};
  ImportLimits limits = {};
  DocumentLimits documents = {};
  std::size_t read_ahead = 3;  ///< of a remote source: layers that are brought besides the one in use
  /// Of unnamed files, for layers that are repacked or read ahead; empty: `$TMPDIR`, or /var/tmp.
  fs::path scratch = {};
  std::function<void(CopyProgress const&)> progress = {};
  std::stop_token stop = {};
};

/// What was copied.
struct CopiedImage {
  Digest manifest;  ///< in the destination
  Digest config;    ///< its hex digits are the image's id in a store
};

namespace detail {

template <ImageSource S>
std::vector<Descriptor> blobs_of(S& source, ImagePlan const& plan) {
  if constexpr (UnpackedImageSource<S>) {
    return source.held_layers(plan);
  } else {
    std::vector<Descriptor> blobs;
    for (auto const& layer : plan.layers) blobs.push_back(layer.blob);
    return blobs;
  }
}

inline Control control_of(CopyOptions const& options, CopyProgress const& place) {
  Control control{.progress = {}, .stop = options.stop};
  if (options.progress)
    control.progress = [&options, place](Progress const& progress) {
      auto now = place;
      now.progress = progress;
      options.progress(now);
    };
  return control;
}

inline ApplyOptions apply_options(CopyOptions const& options, CopyProgress const& place) {
  auto control = control_of(options, place);
  return {.limits = options.limits, .progress = std::move(control.progress), .stop = std::move(control.stop)};
}

/// The layers of an image on their way out of a source, not verified.
template <ImageSource S>
class LayerSource {
 public:
  /// @param needs  whether a layer must be brought, by its index
  LayerSource(S& source, std::vector<Descriptor> const& blobs, std::function<bool(std::size_t)> needs,
              CopyOptions const& options)
      : count_(blobs.size()),
        needs_(std::move(needs)),
        ahead_([&](std::size_t layer) { return source.blob(blobs[layer]); },
               RemoteImageSource<S> ? options.read_ahead : 0, options.scratch) {}

  /// Call it in ascending order.
  Source take(std::size_t layer) {
    for (auto next = layer + 1; next < count_ && ahead_.has_room(); ++next)
      if (needs_(next)) ahead_.start(next);
    return ahead_.take(layer);
  }

 private:
  std::size_t count_;
  std::function<bool(std::size_t)> needs_;
  ReadAhead ahead_;
};

template <ImageSource S, UnpackingDestination D>
CopiedImage copy_to(S& source, D& destination, ImagePlan plan, CopyOptions const& options) {
  auto const blobs = blobs_of(source, plan);
  CopiedImage const copied{.manifest = plan.manifest.digest(), .config = plan.config.digest()};
  auto image = destination.begin(std::move(plan));
  LayerSource layers(
      source, blobs, [&](std::size_t layer) { return !image.has_layer(layer); }, options);
  CopyProgress place{.layers = blobs.size()};
  for (; place.layer < blobs.size(); ++place.layer) {
    auto const& blob = blobs[place.layer];
    place.blob = blob.digest.str();
    place.known = true;
    place.known = image.take_layer(apply_options(options, place));
    if (options.progress) options.progress(place);
    if (!place.known)
      image.put_layer(VerifiedSource(layers.take(place.layer), blob, "layer"), apply_options(options, place));
  }
  image.finish(options.name);
  return copied;
}

/// What a place of blobs wants of a layer; none: as it is.
template <class S, class D>
std::optional<Compression> wanted_compression(Descriptor const& blob, Digest const& diff_id,
                                              CopyOptions const& options) {
  // The manifest that a docker-archive gets says gzip of layers that are plain.
  auto const now = blob.digest == diff_id ? Compression::none : layer_compression(blob.media_type);
  auto wanted = options.compression;
  if (D::wants_plain_layers) {
    wanted = Compression::none;
  } else if (!wanted && UnpackedImageSource<S>) {
    wanted = Compression::gzip;
  }
  return wanted && wanted != now ? wanted : std::nullopt;
}

/// Puts one layer, and says how the place names it.
/// @param open  gives its bytes
template <class Codecs, ImageSource S, BlobDestination D, class Open>
Descriptor put_layer(Open&& open, D& destination, Descriptor const& blob, PlannedLayer const& layer,
                     Format format, CopyOptions const& options, Control const& control) {
  auto const wanted = wanted_compression<S, D>(blob, layer.diff_id, options);
  if (!wanted) {
    if (!destination.has_blob(blob))
      destination.put_blob(
          blob, CheckedLayer(WatchedSource(open(), control), {.blob = blob, .diff_id = layer.diff_id},
                             Unpacking::with<Codecs>(), options.limits.plain_bytes));
    return blob;
  }
  auto repacked = repack_layer(VerifiedSource(open(), blob, "layer"), layer, format, Codecs{},
                               {.compression = *wanted,
                                .encode = options.encode,
                                .plain_bytes = options.limits.plain_bytes,
                                .scratch = options.scratch,
                                .control = control});
  auto const named = repacked.blob;
  if (!destination.has_blob(named)) destination.put_blob(named, std::move(repacked).bytes());
  return named;
}

/// Puts all of an image but its manifest, and says how that reads in the place.
template <class Codecs, ImageSource S, BlobDestination D>
Manifest put_blobs(S& source, D& destination, ImagePlan const& plan, CopyOptions const& options) {
  auto const blobs = blobs_of(source, plan);
  auto const format = D::wants_oci_manifests ? Format::oci : options.format.value_or(plan.manifest.format());
  auto parts = plan.manifest.parts();
  LayerSource layers(
      source, blobs, [&](std::size_t layer) { return !destination.has_blob(blobs[layer]); }, options);
  CopyProgress place{.layers = blobs.size()};
  for (; place.layer < blobs.size(); ++place.layer) {
    Control{.progress = {}, .stop = options.stop}.check();
    auto const& blob = blobs[place.layer];
    place.blob = blob.digest.str();
    place.known = destination.has_blob(blob);
    if (options.progress) options.progress(place);
    auto const& layer = plan.layers[place.layer];
    auto named = put_layer<Codecs, S>([&] { return layers.take(place.layer); }, destination, blob, layer,
                                      format, options, control_of(options, place));
    auto& of = parts.layers[place.layer];
    if (of.digest != named.digest) {
      named.annotations = of.annotations;
      // Where zstd:chunked has its table of contents: true of the blob as it was.
      std::erase_if(named.annotations,
                    [](auto const& item) { return item.first.find(".zstd-chunked.") != std::string::npos; });
      of = std::move(named);
    } else if (format != plan.manifest.format() && of.digest == layer.diff_id) {
      of.media_type = *layer_media_type(format, Compression::none);
    }
  }
  auto const config = plan.config.descriptor(format);
  if (!destination.has_blob(config)) destination.put_blob(config, memory_source(plan.config.bytes()));
  if (format != plan.manifest.format() || parts.layers != plan.manifest.layers())
    return converted(std::move(parts), format);
  return plan.manifest;
}

template <class Codecs, ImageSource S, BlobDestination D>
CopiedImage copy_to(S& source, D& destination, ImagePlan const& plan, CopyOptions const& options) {
  auto const manifest = put_blobs<Codecs>(source, destination, plan, options);
  destination.put_manifest(options.name, {.bytes = manifest.bytes(), .media_type = manifest.media_type()},
                           ManifestRole::image);
  return {.manifest = manifest.digest(), .config = plan.config.digest()};
}

}  // namespace detail

/// Copies an image from any place to any other: load, save, pull, push and convert are this function.
///
/// Every blob is verified, and every layer is found to unpack to what the image's configuration says, before anything is
/// published; what the destination has is not read. A destination of blobs shows the image after its `finish()`, so that
/// several can be put at once.
/// @throws `Errc::image_unknown`, `Errc::platform_unknown`, `Errc::not_an_image`, `Errc::corrupt_document`,
///   `Errc::digest_mismatch`, `Errc::over_budget`, `Errc::stopped`, and what source and destination throw. The destination is
///   then as before, but for blobs that nothing refers to
template <class Codecs = codec::All, ImageSource S, class D>
requires BlobDestination<D> || UnpackingDestination<D> CopiedImage
copy_image(S& source, D& destination, CopyOptions const& options = {}) {
  auto plan = plan_image(
      source, {.reference = options.reference, .platform = options.platform, .limits = options.documents});
  if constexpr (UnpackingDestination<D>)
    return detail::copy_to(source, destination, std::move(plan), options);
  else
    return detail::copy_to<Codecs>(source, destination, plan, options);
}

}  // namespace strata::oci

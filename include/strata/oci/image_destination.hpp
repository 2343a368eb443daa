#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/store/options.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace strata::oci {

/// What a manifest is in the place that it is put into.
enum class ManifestRole {
  image,  ///< one that the place lists, by the reference if there is one
  child,  ///< one that an index lists, which is put after it
};

/// A place that takes images as blobs and manifests: first the blobs, then the manifest that refers to them, then, if
/// there is one, the index that refers to that. Nothing of an image is visible before `finish()`.
///
/// - `D::wants_plain_layers`   layers must be uncompressed
/// - `D::wants_oci_manifests`  other programs find no manifests of Docker's format there; the place takes them
/// - `d.has_blob(descriptor)`  the place has it, so that it need not be put
/// - `d.put_blob(descriptor, source)`  takes the bytes, and verifies them: `Errc::digest_mismatch` for another size or
///   digest, and then the place has no such blob
/// - `d.put_manifest(reference, manifest, role)`  takes a manifest or an index. `Errc::unsupported` for what the place
///   cannot hold: an index, a second image, or a name
/// - `d.finish()`  makes it all visible at once. Without it, or if it or another call has failed, what the place had
///   before is unchanged
/// Not safe for concurrent use.
/// `testing::image_destination_suite` checks what this concept cannot.
template <class D>
concept BlobDestination = requires(D& d, Descriptor const& descriptor, Source source,
                                   std::string_view reference, RawManifest const& manifest,
                                   ManifestRole role) {
  { D::wants_plain_layers } -> std::convertible_to<bool>;
  { D::wants_oci_manifests } -> std::convertible_to<bool>;
  { d.has_blob(descriptor) } -> std::same_as<bool>;
  { d.put_blob(descriptor, std::move(source)) } -> std::same_as<void>;
  { d.put_manifest(reference, manifest, role) } -> std::same_as<void>;
  { d.finish() } -> std::same_as<void>;
};

/// A place that keeps images unpacked: a store. `d.begin(plan)` gives an image on its way, whose layers are added one after the
/// other, the lowest first:
///
/// - `image.has_layer(index)`  whether `take_layer` will bring nothing for that layer, as far as can be said now
/// - `image.take_layer(options)`  adds the next one if nothing need be brought for it; else returns false
/// - `image.put_layer(source, options)`  adds the next one, and verifies that it unpacks to its DiffID
/// - `image.finish(name)`  publishes the image. Without it the place is as before
template <class D>
concept UnpackingDestination = requires(D& d, ImagePlan plan, Source source, ApplyOptions const& options,
                                        std::string const& name, std::size_t index) {
  { d.begin(std::move(plan)).has_layer(index) } -> std::same_as<bool>;
  { d.begin(std::move(plan)).take_layer(options) } -> std::same_as<bool>;
  d.begin(std::move(plan)).put_layer(std::move(source), options);
  d.begin(std::move(plan)).finish(name);
};

}  // namespace strata::oci

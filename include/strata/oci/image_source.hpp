#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/oci/descriptor.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// A manifest or an index as a source has it.
struct RawManifest {
  std::string bytes = {};
  std::string media_type = {};  ///< as the source states it, or empty; see `manifest_type`
};

/// A place that images come from.
///
/// - `s.manifest(reference)`  a manifest or index by a name that the place has for it, or by its digest,
///   "sha256:…"; an empty reference is the only image, or of a remote source the one that it was opened for. Not longer than
///   `DocumentLimits::bytes`; its digest is the one by which the place refers to it. `Errc::image_unknown` if there is none,
///   or several for an empty reference
/// - `s.blob(descriptor)`  the bytes of a configuration or layer, not verified; of another size than the
///   descriptor's: `Errc::digest_mismatch`, now or while they are read. May be called from several threads at once, and so
///   may the sources be read
/// `testing::image_source_suite` checks what this concept cannot.
template <class S>
concept ImageSource = requires(S& s, std::string_view reference, Descriptor const& descriptor) {
  { s.manifest(reference) } -> std::same_as<RawManifest>;
  { s.blob(descriptor) } -> std::same_as<Source>;
};

/// A source that can begin within a blob: `s.blob(descriptor, range)` has the bytes of the range.
template <class S>
concept RangedImageSource = ImageSource<S> && requires(S& s, Descriptor const& descriptor, ByteRange range) {
  { s.blob(descriptor, range) } -> std::same_as<Source>;
};

/// A source that lists what it has: `s.references()`, as `manifest` takes them, each image at least once.
template <class S>
concept ListedImageSource = ImageSource<S> && requires(S& s) {
  { s.references() } -> std::same_as<std::vector<std::string>>;
};

/// A source whose blobs are long in coming, as over a network, and come sooner together: `S::is_remote` is true.
template <class S>
concept RemoteImageSource = ImageSource<S> && requires {
  requires S::is_remote;
};

}  // namespace strata::oci

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/testing/sample_image.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace strata::testing {

namespace detail {

/// Error code that a call threw; success if it returned. Anything but an `Error` fails the test.
template <class Call>
std::error_code image_error_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    INFO(error.what());
    CHECK_FALSE(error.subject().empty());
    return error.code();
  }
  return {};
}

inline std::string verified_bytes(Source in, oci::Descriptor const& blob) {
  return read_all(oci::VerifiedSource(std::move(in), blob, "the source"));
}

template <class S>
void check_blob(S& source, oci::Descriptor const& blob) {
  INFO("blob " << blob.digest);
  auto const bytes = verified_bytes(source.blob(blob), blob);
  CHECK(verified_bytes(source.blob(blob), blob) == bytes);  // each time anew
  auto longer = blob;
  ++longer.size;
  CHECK(image_error_of([&] { verified_bytes(source.blob(longer), longer); }) == Errc::digest_mismatch);
  if constexpr (oci::RangedImageSource<S>) {
    auto const half = blob.size / 2;
    CHECK(read_all(source.blob(blob, {half, blob.size - half})) == bytes.substr(half));
    CHECK(read_all(source.blob(blob, {half, 1})) == bytes.substr(half, 1));
    CHECK(image_error_of([&] { read_all(source.blob(blob, {half, blob.size})); }));
  }
}

template <class S>
void check_threads(S& source, std::vector<oci::Descriptor> const& blobs) {
  std::vector<std::string> found(blobs.size() * 2);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < found.size(); ++i)
    threads.emplace_back([&, i] { found[i] = read_all(source.blob(blobs[i % blobs.size()])); });
  for (auto& thread : threads) thread.join();
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(Digest::of(as_bytes(found[i])) == blobs[i % blobs.size()].digest);
}

}  // namespace detail

/// Checks the semantics of `oci::ImageSource` with Catch2.
///
/// @param source     has an image of that reference
/// @param reference  of one image, not of an index
template <oci::ImageSource S>
void image_source_suite(S& source, std::string const& reference) {
  auto const raw = source.manifest(reference);
  auto const manifest = oci::Manifest::parse(raw.bytes, raw.media_type);
  manifest.require_image();
  CHECK(source.manifest(reference).bytes == raw.bytes);
  CHECK(source.manifest(manifest.digest().str()).bytes == raw.bytes);

  auto const config =
      oci::ImageConfig::parse(detail::verified_bytes(source.blob(manifest.config()), manifest.config()));
  CHECK(config.diff_ids().size() == manifest.layers().size());
  std::vector<oci::Descriptor> blobs{manifest.config()};
  blobs.insert(blobs.end(), manifest.layers().begin(), manifest.layers().end());
  for (auto const& blob : blobs) detail::check_blob(source, blob);
  detail::check_threads(source, blobs);

  auto const unknown = Digest::of(as_bytes("no blob of any image"));
  oci::Descriptor const missing{.media_type = blobs.back().media_type, .digest = unknown, .size = 1};
  CHECK(detail::image_error_of([&] { read_all(source.blob(missing)); }));
  CHECK(detail::image_error_of([&] { source.manifest("no-such-image"); }) == Errc::image_unknown);
  CHECK(detail::image_error_of([&] { source.manifest(unknown.str()); }) == Errc::image_unknown);

  if constexpr (oci::ListedImageSource<S>) {
    auto const references = source.references();
    for (auto const& each : references) CHECK_FALSE(source.manifest(each).bytes.empty());
    bool const is_listed = reference.empty() || std::ranges::find(references, reference) != references.end();
    auto const same = [&](std::string const& each) { return source.manifest(each).bytes == raw.bytes; };
    if (is_listed) CHECK(std::ranges::any_of(references, same));
    if (is_listed && references.size() == 1 && !oci::RemoteImageSource<S>)
      CHECK(source.manifest("").bytes == raw.bytes);
  }
}

}  // namespace strata::testing

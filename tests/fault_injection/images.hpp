#pragma once

#include <strata/codec/all.hpp>
#include <strata/fs.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/image_destination.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/sample_image.hpp>

#include <cstddef>
#include <string>

namespace fault_injection {

inline constexpr char image_name[] = "localhost/loaded:1";

namespace detail {

template <strata::oci::BlobDestination Place>
void put_image(Place&& place, strata::testing::SampleImage const& image) {
  auto const blobs = image.blobs();
  for (std::size_t i = 0; i < blobs.size(); ++i)
    place.put_blob(blobs[i], strata::memory_source(image.bytes(i)));
  place.put_manifest(image_name, image.manifest, strata::oci::ManifestRole::image);
  place.finish();
}

}  // namespace detail

/// Images that the program loads: a layout at DIRECTORY/layout, another as the archive DIRECTORY/docker.tar.
inline void write_images(strata::fs::path const& directory) {
  using strata::testing::sample_image;
  detail::put_image(strata::oci::OciLayout(directory / "layout", strata::Flush::none),
                    sample_image("loaded", 2));
  detail::put_image(
      strata::oci::DockerArchiveWriter(directory / "docker.tar", {.flush = strata::Flush::none}),
      sample_image("docker", 2, strata::oci::Format::docker));
}

}  // namespace fault_injection

#include <strata/codec/all.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/testing/image_destination_suite.hpp>

#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "oci_tools.hpp"
#include <cstdlib>

// What each of our places writes, read by skopeo where it is installed.

using namespace strata;

namespace skopeo_tests {  // several files of tests are compiled as one

using testing::sample_image;
using testing::SampleImage;

namespace {

bool is_installed(char const* program) {
  if (std::system((std::string("command -v ") + program + " >/dev/null").c_str()) == 0) return true;
  WARN(program << " is not installed");
  return false;
}

template <class D>
void put(D& destination, std::string const& name, SampleImage const& image) {
  testing::detail::put_blobs(destination, image);
  destination.put_manifest(name, image.manifest, oci::ManifestRole::image);
}

/// Reads it with skopeo, and checks that configuration and layers arrive as they were.
void check_read(tar_tools::Directory const& place, std::string const& what, SampleImage const& image) {
  place.run("rm -rf read && skopeo --insecure-policy copy -q " + what + " dir:read");
  auto const blobs = image.blobs();
  for (std::size_t i = 0; i < blobs.size(); ++i)
    CHECK(place.get("read/" + std::string(blobs[i].digest.hex())) == image.bytes(i));
}

}  // namespace

TEST_CASE("skopeo reads what we write", "[oci][skopeo]") {
  if (!is_installed("skopeo")) return;
  tar_tools::Directory const place;
  auto const one = sample_image("one", 3);
  auto const two = sample_image("two", 2, oci::Format::docker);
  auto const oci_two = sample_image("two");
  SECTION("a layout") {
    oci::OciLayout layout(place.path / "l");
    put(layout, "one", one);
    put(layout, "with/slash:2", oci_two);
    layout.finish();
    check_read(place, "oci:l:one", one);
    check_read(place, "oci:l:with/slash:2", oci_two);
    if (is_installed("umoci"))
      place.run("umoci unpack --image l:one bundle >out 2>&1 && test -s bundle/rootfs/one2");
  }
  SECTION("an archive of a layout") {
    oci::OciArchiveWriter archive(place.path / "a.tar");
    put(archive, "one", one);
    archive.finish();
    check_read(place, "oci-archive:a.tar", one);
    check_read(place, "oci-archive:a.tar:one", one);
  }
  SECTION("a compressed archive of a layout") {
    oci::OciArchiveWriter archive(place.path / "a.tar", {.compression = Compression::gzip});
    put(archive, "one", one);
    archive.finish();
    check_read(place, "oci-archive:a.tar", one);
  }
  SECTION("a docker-archive") {
    oci::DockerArchiveWriter archive(place.path / "a.tar");  // skopeo 1.9 reads none that is compressed
    put(archive, "quay.io/one:1", one);
    put(archive, "two", two);
    archive.finish();
    check_read(place, "docker-archive:a.tar:quay.io/one:1", one);
    check_read(place, "docker-archive:a.tar:docker.io/library/two:latest", two);
    check_read(place, "docker-archive:a.tar:@1", two);
  }
  SECTION("a directory") {
    oci::Directory directory(place.path / "d");
    put(directory, "", two);
    directory.finish();
    check_read(place, "dir:d", two);
    CHECK(place.get("read/manifest.json") == two.manifest.bytes);
  }
}

}  // namespace skopeo_tests

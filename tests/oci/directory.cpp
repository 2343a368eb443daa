#include <strata/error.hpp>
#include <strata/oci/directory.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/image_destination_suite.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"

using namespace strata;

namespace directory_tests {  // several files of tests are compiled as one

using oci::Directory;
using oci_tools::error_of;
using oci_tools::system;
using testing::sample_image;
using testing::SampleImage;
using testing::TempDir;

namespace {

SampleImage save(fs::path const& path, std::string const& name, std::size_t layers = 2) {
  auto image = sample_image(name, layers);
  Directory directory(path);
  testing::detail::put_blobs(directory, image);
  directory.put_manifest("", image.manifest);
  directory.finish();
  return image;
}

}  // namespace

TEST_CASE("oci::Directory keeps the contracts of image sources and destinations", "[oci][directory]") {
  auto const open = [](fs::path const& path) { return Directory(path); };
  testing::image_destination_suite<Directory, Directory>(open, open, {.names = false, .several = false});
}

TEST_CASE("a directory has the files that skopeo writes", "[oci][directory]") {
  TempDir const place;
  auto const image = save(place / "d", "one");
  CHECK(sys::read_file(place / "d/version") == "Directory Transport Version: 1.1\n");
  CHECK(sys::read_file(place / "d/manifest.json") == image.manifest.bytes);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(sys::read_file(place / "d" / std::string(image.blobs()[i].digest.hex())) == image.bytes(i));
  CHECK(sys::entries_of(place / "d").size() == 5);
}

TEST_CASE("an image takes the place of the one in a directory", "[oci][directory]") {
  TempDir const place;
  auto const old = save(place / "d", "same", 3);
  sys::replace_file(place / "d/signature-1", "of the old image");
  sys::replace_file(place / "d" / (old.parsed().digest().str().substr(7) + ".manifest.json"),
                    "of an old index");
  sys::replace_file(place / "d/README", "mine");
  Directory directory(place / "d");
  auto const image = sample_image("same", 2);  // its layers are there
  CHECK(directory.has_blob(image.blobs()[2]));
  testing::detail::put_blobs(directory, image);
  directory.put_manifest("", image.manifest);
  CHECK(directory.manifest("").bytes == old.manifest.bytes);
  testing::image_source_suite(directory, "");
  directory.finish();
  CHECK(directory.manifest("").bytes == image.manifest.bytes);
  testing::image_source_suite(directory, "");
  CHECK(sys::entries_of(place / "d").size() ==
        6);  // version, manifest.json, README, configuration, two layers
  CHECK(sys::read_file(place / "d/README") == "mine");
}

TEST_CASE("a directory of something else is not written to", "[oci][directory]") {
  TempDir const place;
  sys::make_directories(place / "d", 0755);
  sys::replace_file(place / "d/data", "important");
  CHECK(error_of([&] { save(place / "d", "one"); }, "neither empty nor") == Errc::unsupported);
  CHECK(sys::entries_of(place / "d") == std::vector{place / "d/data"});
  sys::replace_file(place / "d/version", "Directory Transport Version: 2.0\n");
  CHECK(error_of([&] { save(place / "d", "one"); }, "2.0") == Errc::unsupported);
  sys::replace_file(place / "file", "");
  CHECK(error_of([&] { save(place / "file", "one"); }, "file") == system(ENOTDIR));
}

TEST_CASE("a directory has one image without a name", "[oci][directory]") {
  TempDir const place;
  Directory directory(place / "d");
  CHECK(error_of([&] { directory.finish(); }) == Errc::unsupported);
  directory.put_manifest("", sample_image("one").manifest);
  directory.put_manifest("", sample_image("one").manifest);
  CHECK(error_of([&] { directory.put_manifest("", sample_image("two").manifest); }) == Errc::unsupported);
  CHECK(error_of([&] { directory.put_manifest("v1", sample_image("one").manifest); }) == Errc::unsupported);
  CHECK(error_of([&] { directory.put_manifest("", {"{}", ""}); }) == Errc::corrupt_document);
}

TEST_CASE("damage of a directory is an error that names it", "[oci][directory]") {
  TempDir const place;
  auto const image = save(place / "d", "one");
  Directory const directory(place / "d");
  auto const layer = image.blobs().back();
  auto const path = place / "d" / std::string(layer.digest.hex());
  SECTION("a link out of it") {
    fs::rename(path, place / "outside");
    fs::create_symlink("../outside", path);
    CHECK(error_of([&] { directory.blob(layer); }, path.native()) == Errc::unsafe_path);
  }
  SECTION("a blob that is cut off") {
    fs::resize_file(path, 100);
    CHECK(error_of([&] { directory.blob(layer); }, (place / "d").native()) == Errc::digest_mismatch);
    CHECK_FALSE(directory.has_blob(layer));
  }
  SECTION("no manifest, and one that is too large") {
    fs::resize_file(place / "d/manifest.json", 200U << 20U);
    CHECK(error_of([&] { directory.manifest(""); }, "manifest.json") == Errc::over_budget);
    fs::remove(place / "d/manifest.json");
    CHECK(error_of([&] { directory.manifest(""); }, "manifest.json") == system(ENOENT));
  }
  SECTION("another manifest of an index under its digest") {
    auto const other = Digest::of(as_bytes("other"));
    sys::replace_file(place / "d" / (std::string(other.hex()) + ".manifest.json"), image.manifest.bytes);
    CHECK(error_of([&] { directory.manifest(other.str()); }, (place / "d").native()) ==
          Errc::digest_mismatch);
  }
}

}  // namespace directory_tests

#include <strata/codec/all.hpp>
#include <strata/error.hpp>
#include <strata/oci/any_source.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/sample_image.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/operations.hpp>
#include <catch2/catch.hpp>

#include "oci/oci_tools.hpp"
#include <cerrno>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::oci;
using oci_tools::error_of;
using testing::sample_image;

namespace {

using Texts = std::vector<std::string>;

template <class Destination>
void put(Destination&& destination, Texts const& names) {
  for (auto const& name : names) {
    auto const image = sample_image("a", 2, Format::docker);
    auto const blobs = image.blobs();
    for (std::size_t i = blobs.size(); i-- > 0;)
      if (!destination.has_blob(blobs[i])) destination.put_blob(blobs[i], memory_source(image.bytes(i)));
    destination.put_manifest(name, image.manifest);
  }
  destination.finish();
}

/// The places' references; each must be the sample image.
Texts references_of(AnySource const& source) {
  auto out = source.references();
  for (auto const& reference : out) {
    auto const plan = plan_image(source, {.reference = reference});
    CHECK(plan.config.bytes() == sample_image("a", 2, Format::docker).config);
    for (auto const& layer : plan.layers)
      CHECK(Digest::of(as_bytes(testing::read_all(source.blob(layer.blob)))) == layer.diff_id);
  }
  return out;
}

}  // namespace

TEST_CASE("a place of images is known by what is in it", "[oci]") {
  testing::TempDir const dir;
  Texts const names{"docker.io/library/a:1", "quay.io/b:2"};
  put(OciLayout(dir.path() / "layout"), names);
  put(Directory(dir.path() / "directory"), {""});
  put(OciArchiveWriter(dir.path() / "oci.tar"), names);
  put(OciArchiveWriter(dir.path() / "oci.tar.zst", {.compression = Compression::zstd}), names);
  put(DockerArchiveWriter(dir.path() / "docker.tar"), names);
  put(DockerArchiveWriter(dir.path() / "docker.tar.gz", {.compression = Compression::gzip}), names);
  for (std::string const file : {"layout", "oci.tar", "oci.tar.zst", "docker.tar", "docker.tar.gz"}) {
    INFO(file);
    AnySource const source(dir.path() / file);
    CHECK(source.transport() == (file == "layout"    ? "oci"
                                 : file.at(0) == 'o' ? "oci-archive"
                                                     : "docker-archive"));
    CHECK(references_of(source) == names);
    for (auto const& name : names) CHECK(source.name_of(name) == name);
    if (file != "layout") CHECK(references_of(AnySource(file_source(dir.path() / file), "stream")) == names);
  }
  AnySource const directory(dir.path() / "directory");
  CHECK(directory.transport() == "dir");
  CHECK(references_of(directory) == Texts{""});
  CHECK(directory.name_of("").empty());
}

TEST_CASE("an image that is loaded gets the name that Podman gives it", "[oci]") {
  testing::TempDir const dir;
  put(OciLayout(dir.path() / "layout"), {"1.0", "me/tool", "quay.io/a"});
  AnySource const layout(dir.path() / "layout");
  CHECK(layout.name_of("1.0") == "localhost/1.0:latest");
  CHECK(layout.name_of("me/tool") == "localhost/me/tool:latest");
  CHECK(layout.name_of("quay.io/a") == "quay.io/a:latest");
  CHECK(layout.name_of(std::string("sha256:") + std::string(64, 'a')).empty());
  CHECK(error_of([&] { layout.name_of("Odd_Name"); }, "Odd_Name") == Errc::invalid_reference);
  put(DockerArchiveWriter(dir.path() / "docker.tar"), {""});
  AnySource const docker(dir.path() / "docker.tar");
  CHECK(docker.references() == Texts{"@0"});
  CHECK(docker.name_of("@0").empty());
  CHECK(docker.name_of("tool:1") == "docker.io/library/tool:1");
}

TEST_CASE("what is no place of images is refused, with its name", "[oci]") {
  testing::TempDir const dir;
  auto const refused = [&](std::string const& name) {
    return error_of([&] { AnySource const source(dir.path() / name); }, name);
  };
  CHECK(refused("missing") == oci_tools::system(ENOENT));
  fs::create_directory(dir.path() / "empty");
  CHECK(refused("empty") == Errc::not_an_image);
  sys::replace_file(dir.path() / "layer.tar", testing::sample_layer("file", "text"));
  CHECK(refused("layer.tar") == Errc::not_an_image);
  sys::replace_file(dir.path() / "text", std::string(2000, 'x'));
  CHECK(refused("text") == Errc::corrupt_archive);
  CHECK(error_of([&] { AnySource const source(memory_source(std::string()), "standard input"); },
                 "standard input") == Errc::not_an_image);
}

#include <strata/codec/all.hpp>
#include <strata/error.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/image_destination_suite.hpp>

#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "oci_tools.hpp"

using namespace strata;

namespace docker_archive_writer_tests {  // several files of tests are compiled as one

using oci::DockerArchive;
using oci::DockerArchiveWriter;
using oci_tools::error_of;
using oci_tools::system;
using testing::sample_image;
using testing::SampleImage;

TEST_CASE("DockerArchiveWriter keeps the contract of image destinations", "[oci][docker_archive_writer]") {
  auto const compression = GENERATE(Compression::none, Compression::gzip);
  testing::image_destination_suite<DockerArchiveWriter, DockerArchive>(
      [&](fs::path const& path) {
        return DockerArchiveWriter(path, {.compression = compression, .flush = Flush::none});
      },
      [](fs::path const& path) { return DockerArchive(path); },
      {.indexes = false,
       .keeps_manifests = false,
       .first_name = "quay.io/one:1",
       .second_name = "docker.io/library/two:latest"});
}

TEST_CASE("a docker-archive has the members that containers/image writes", "[oci][docker_archive_writer]") {
  auto const image = sample_image("one", 2, oci::Format::docker);
  std::string bytes;
  DockerArchiveWriter archive(string_sink(bytes), "x.tar");
  testing::detail::put_blobs(archive, image);
  archive.put_manifest("one", image.manifest);
  archive.put_manifest("quay.io/a/one:2", image.manifest);
  archive.put_manifest("one:latest", image.manifest);  // the same again
  archive.finish();
  auto const hex = [](Digest const& digest) { return std::string(digest.hex()); };
  auto const blobs = image.blobs();
  auto const entries = tar_tools::read_tar(bytes);
  REQUIRE(entries.size() == 11);
  CHECK(entries[0].header.name == hex(blobs[2].digest) + ".tar");
  CHECK(entries[1].header.name == hex(blobs[1].digest) + ".tar");
  CHECK(entries[2].header.name == hex(blobs[0].digest) + ".json");
  for (auto const& entry : entries) {
    CHECK(entry.header.mtime.seconds == 0);
    CHECK(entry.header.mode == (entry.header.type == archive::EntryType::symlink ? 0U : 0444U));
  }
  auto const top = entries[6].header.name.substr(0, 64);
  CHECK(entries[6].header.link_name == "../" + hex(blobs[2].digest) + ".tar");
  CHECK(entries[7].content == "1.0");
  CHECK(
      entries[8].content ==
      R"({"architecture":"amd64","config":{"Cmd":["/bin/true","\u003c\u0026\u003e"],"Labels":{"name":"one"}},)"
      R"("container":null,"container_config":null,"created":null,"docker_version":null,"id":")" +
          top + R"(","os":"linux","parent":")" + entries[3].header.name.substr(0, 64) + "\"}");
  CHECK(entries[9].content ==
        R"([{"Config":")" + hex(blobs[0].digest) +
            R"(.json","RepoTags":["docker.io/library/one:latest","quay.io/a/one:2"],"Layers":[")" +
            hex(blobs[1].digest) + R"(.tar",")" + hex(blobs[2].digest) + R"(.tar"]}])");
  CHECK(entries[10].content ==
        R"({"docker.io/library/one":{"latest":")" + top + R"("},"quay.io/a/one":{"2":")" + top + "\"}}");
}

TEST_CASE("what a docker-archive cannot hold is refused", "[oci][docker_archive_writer]") {
  auto const image = sample_image("one", 2);
  std::string bytes;
  DockerArchiveWriter archive(string_sink(bytes), "x.tar");
  auto const put = [&](std::string const& reference, oci::RawManifest const& manifest,
                       oci::ManifestRole role = oci::ManifestRole::image) {
    return error_of([&] { archive.put_manifest(reference, manifest, role); });
  };
  std::error_code const missing(ENOENT, std::system_category());
  CHECK(put("one", image.manifest) == missing);  // its blobs were not put
  archive.put_blob(image.blobs()[0], memory_source(image.config));
  CHECK(put("one", image.manifest) == missing);
  testing::detail::put_blobs(archive, image);
  CHECK(put("Not a name", image.manifest) == Errc::invalid_reference);
  CHECK(put("one@" + image.parsed().digest().str(), image.manifest) == Errc::unsupported);
  CHECK(put("", image.manifest, oci::ManifestRole::child) == Errc::unsupported);
  auto const index = oci::Index::make({.manifests = {image.parsed().descriptor()}});
  CHECK(put("one", {index.bytes(), index.media_type()}) == Errc::unsupported);
  auto parts = image.parsed().parts();
  std::swap(parts.layers[0], parts.layers[1]);
  auto const swapped = oci::Manifest::make(parts);
  CHECK(put("one", {swapped.bytes(), swapped.media_type()}) == Errc::unsupported);
  CHECK_FALSE(put("one", image.manifest));
  oci::Descriptor const large{.media_type = std::string(oci::media_type::oci_config),
                              .digest = Digest::of(as_bytes("large")),
                              .size = 5U << 20U};
  CHECK(error_of([&] { archive.put_blob(large, memory_source("large")); }) == Errc::over_budget);
  archive.finish();
  DockerArchive const written(memory_source(bytes), "x.tar");
  CHECK(written.references() == std::vector<std::string>{"docker.io/library/one:latest"});
}

}  // namespace docker_archive_writer_tests

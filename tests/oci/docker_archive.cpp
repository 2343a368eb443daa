#include <strata/codec/all.hpp>
#include <strata/error.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/sample_image.hpp>

#include <catch2/catch.hpp>

#include "../archive/tar_tools.hpp"
#include "oci_tools.hpp"

using namespace strata;

namespace docker_archive_tests {  // several files of tests are compiled as one

using oci::DockerArchive;
using oci_tools::system;
using tar_tools::Entry;
using testing::sample_image;
using testing::SampleImage;

namespace {

Entry link_to(std::string name, std::string target) {
  return {.header = {.name = std::move(name),
                     .link_name = std::move(target),
                     .type = archive::EntryType::symlink,
                     .mode = 0777}};
}

DockerArchive open(std::vector<Entry> const& entries) {
  return DockerArchive(memory_source(tar_tools::write_tar(entries)), "x.tar");
}

std::string hex_of(SampleImage const& image) { return std::string(Digest::of(as_bytes(image.config)).hex()); }

std::string compressed(std::string const& bytes, Compression compression = Compression::gzip) {
  std::string out;
  auto const encoder = codec::All::compress(compression, string_sink(out));
  encoder->write(as_bytes(bytes));
  encoder->finish();
  return out;
}

/// As the versions of Docker before 25 write it: a directory for each layer.
std::vector<Entry> older(SampleImage const& image, std::string const& tags = R"(["one:latest"])") {
  std::vector<Entry> entries;
  std::string layers;
  for (std::size_t i = 0; i < image.layers.size(); ++i) {
    auto const id = "id" + std::to_string(i);
    entries.push_back({.header = {.name = id + "/", .type = archive::EntryType::directory, .mode = 0755}});
    entries.push_back(tar_tools::file(id + "/VERSION", "1.0"));
    entries.push_back(tar_tools::file(id + "/json", "{}"));
    entries.push_back(tar_tools::file(id + "/layer.tar", image.layers[i]));
    layers += std::string(i == 0 ? "\"" : ",\"") + id + "/layer.tar\"";
  }
  auto const config = hex_of(image) + ".json";
  entries.push_back(tar_tools::file(config, image.config));
  entries.push_back(tar_tools::file("manifest.json", R"([{"Config":")" + config + R"(","RepoTags":)" + tags +
                                                         R"(,"Layers":[)" + layers + "]}]\n"));
  return entries;
}

std::error_code error_of(std::function<void()> const& call, std::string const& part = "x.tar") {
  return oci_tools::error_of(call, part);
}

}  // namespace

TEST_CASE("an archive of docker save is an image source", "[oci][docker_archive]") {
  auto const image = sample_image("one", 3);
  auto source = open(older(image));
  testing::image_source_suite(source, "");
  testing::image_source_suite(source, "one:latest");
  testing::image_source_suite(source, "docker.io/library/one");
  testing::image_source_suite(source, "@0");
  CHECK(source.references() == std::vector<std::string>{"one:latest"});
  // What `skopeo inspect --raw docker-archive:` prints for the like.
  CHECK(source.manifest("").bytes.starts_with(
      R"({"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":)"
      R"("application/vnd.docker.container.image.v1+json","size":)" +
      std::to_string(image.config.size()) + R"(,"digest":"sha256:)" + hex_of(image) +
      R"("},"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":2560,"digest":"sha256:)"));
  auto const manifest = oci::Manifest::parse(source.manifest("").bytes);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(testing::read_all(source.blob(manifest.layers()[i])) == image.layers[i]);
}

TEST_CASE("a docker-archive has layers that are compressed or links to others", "[oci][docker_archive]") {
  auto image = sample_image("one", 2);
  auto entries = older(image);
  SECTION("compressed, as kaniko and Bazel write them") {
    auto const compression = GENERATE(Compression::gzip, Compression::zstd);
    entries[3] = tar_tools::file("id0/layer.tar", compressed(image.layers[0], compression));
  }
  SECTION("a link") {
    entries[3] = link_to("id0/layer.tar", "../blobs/layer");
    entries.push_back(tar_tools::file("blobs/layer", image.layers[0]));
  }
  SECTION("a link to one that is compressed") {
    entries[3] = link_to("id0/layer.tar", "../blobs/layer");
    entries.push_back(tar_tools::file("blobs/layer", compressed(image.layers[0])));
  }
  SECTION("a directory that is a link, as Nix makes them") {
    entries[3] = tar_tools::file("store/layer.tar", image.layers[0]);
    entries[0] = link_to("id0", "store");
    entries[1] = entries[2] = tar_tools::file("ignored");
  }
  auto source = open(entries);
  testing::image_source_suite(source, "");
  auto const manifest = oci::Manifest::parse(source.manifest("").bytes);
  CHECK(manifest.layers()[0].size == image.layers[0].size());
  CHECK(testing::read_all(source.blob(manifest.layers()[0])) == image.layers[0]);
  CHECK(testing::read_all(source.blob(manifest.layers()[1])) == image.layers[1]);
}

TEST_CASE("the same layer twice in an image of a docker-archive", "[oci][docker_archive]") {
  auto image = sample_image("one", 1);
  auto const layer = Digest::of(as_bytes(image.layers[0])).str();
  image.config = R"({"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[")" + layer +
                 R"(",")" + layer + R"("]}})";
  image.layers.push_back(image.layers[0]);
  auto entries = older(image);
  entries[7] = link_to("id1/layer.tar", "../id0/layer.tar");
  auto source = open(entries);
  testing::image_source_suite(source, "");
}

TEST_CASE("several images and tags in a docker-archive", "[oci][docker_archive]") {
  auto const one = sample_image("one", 1);
  auto const two = sample_image("two", 1);
  auto const three = sample_image("three", 0);
  std::vector<Entry> entries;
  std::string list;
  auto const add = [&](SampleImage const& image, std::string const& tags) {
    std::string layers;
    if (!image.layers.empty()) {
      layers = '"' + hex_of(image) + ".tar\"";
      entries.push_back(tar_tools::file(hex_of(image) + ".tar", image.layers[0]));
    }
    entries.push_back(tar_tools::file("sha256:" + hex_of(image), image.config));
    list += std::string(list.empty() ? "" : ",") + R"({"Config":"sha256:)" + hex_of(image) +
            R"(","RepoTags":)" + tags + R"(,"Layers":[)" + layers + R"(],"LayerSources":{"x":1}})";
  };
  add(one, R"(["quay.io/a/b:1","busybox:1.36"])");
  add(two, "null");
  add(three, R"(["<none>:<none>"])");
  entries.push_back(tar_tools::file("manifest.json", "[" + list + "]"));
  auto source = open(entries);
  CHECK(source.references() ==
        std::vector<std::string>{"quay.io/a/b:1", "busybox:1.36", "@1", "<none>:<none>"});
  testing::image_source_suite(source, "quay.io/a/b:1");
  testing::image_source_suite(source, "docker.io/library/busybox:1.36");
  testing::image_source_suite(source, "@1");
  testing::image_source_suite(source, "<none>:<none>");
  CHECK(source.manifest("@0").bytes == source.manifest("busybox:1.36").bytes);
  CHECK(error_of([&] { source.manifest(""); }, "quay.io/a/b:1, busybox:1.36, @1") == Errc::image_unknown);
  for (auto const* const unknown :
       {"busybox", "@3", "@", "@1x", "@-1", "@99999999999999999999", "Not a name"})
    CHECK(error_of([&] { source.manifest(unknown); }, unknown) == Errc::image_unknown);
}

TEST_CASE("damage of a docker-archive is an error that names it", "[oci][docker_archive]") {
  auto const image = sample_image("one", 2);
  auto entries = older(image);
  auto& manifest = entries.back();
  auto const blobs = image.blobs();
  auto const set = [&](std::string const& text) {
    manifest = tar_tools::file("manifest.json", text);
    return error_of([&] { open(entries); });
  };
  SECTION("no manifest.json") {
    entries.pop_back();
    CHECK(error_of([&] { open(entries); }) == Errc::not_an_image);
    CHECK(error_of([&] { open({}); }) == Errc::not_an_image);
  }
  SECTION("one that is none") {
    for (auto const* const text : {"", "{}", "[1]", "[{}]", R"([{"Config":7}])",
                                   R"([{"Config":"a","Layers":"b"}])", R"([{"Config":"a","Layers":[1]}])"})
      CHECK(set(text) == Errc::corrupt_document);
    CHECK(set(std::string(17U << 20U, ' ')) == Errc::over_budget);
  }
  SECTION("a configuration that is missing, outside, or none") {
    CHECK(set(R"([{"Config":"missing.json","Layers":[]}])") == system(ENOENT));
    CHECK(set(R"([{"Config":"../../etc/passwd","Layers":[]}])") == Errc::unsafe_path);
    CHECK(set(R"([{"Config":"id0/VERSION","Layers":[]}])") == Errc::corrupt_document);
    CHECK(set(R"([{"Config":"id0/json","Layers":[]}])") == Errc::not_an_image);
  }
  SECTION("another number of layers than of DiffIDs") {
    CHECK(set(R"([{"Config":")" + hex_of(image) + R"(.json","Layers":["id0/layer.tar"]}])") ==
          Errc::corrupt_document);
  }
  SECTION("layers that are missing, links in a circle or out of the archive") {
    entries[3].header.name = "elsewhere";
    CHECK(error_of([&] { open(entries).manifest(""); }) == system(ENOENT));
    entries[3] = link_to("id0/layer.tar", "../id1/layer.tar");
    entries[7] = link_to("id1/layer.tar", "../id0/layer.tar");
    CHECK(error_of([&] { open(entries).manifest(""); }) == system(ELOOP));
    entries[3] = link_to("id0/layer.tar", "/etc/passwd");
    CHECK(error_of([&] { open(entries).manifest(""); }) == Errc::unsafe_path);
    entries[3] = link_to("id0/layer.tar", "../../../etc/passwd");
    CHECK(error_of([&] { open(entries).blob(blobs[1]); }) == Errc::unsafe_path);
  }
  SECTION("layers in another order are found out when they are read") {
    std::swap(entries[3].content, entries[7].content);
    auto const source = open(entries);
    CHECK(error_of([&] { testing::detail::verified_bytes(source.blob(blobs[1]), blobs[1]); }, "digest") ==
          Errc::digest_mismatch);
  }
  SECTION("compressed layers in another order, damaged, cut off or endless") {
    auto const packed = compressed(image.layers[1]);
    entries[3] = tar_tools::file("id0/layer.tar", packed);
    CHECK(error_of([&] { open(entries).manifest(""); }) == Errc::digest_mismatch);
    entries[3] = tar_tools::file("id0/layer.tar", packed.substr(0, packed.size() / 2));
    CHECK(error_of([&] { open(entries).manifest(""); }) == Errc::corrupt_archive);
    entries[3] = tar_tools::file("id0/layer.tar", compressed(std::string(10'000'000, '\0')));
    CHECK(error_of([&] {
            DockerArchive(memory_source(tar_tools::write_tar(entries)), "x.tar", {.plain_bytes = 1'000'000})
                .manifest("");
          }) == Errc::over_budget);
  }
}

TEST_CASE("a layer of a docker-archive in another size than its descriptor's is refused",
          "[oci][docker_archive]") {
  auto const image = sample_image("one", 2);
  auto entries = older(image);
  if (GENERATE(false, true)) entries[3] = tar_tools::file("id0/layer.tar", compressed(image.layers[0]));
  auto const source = open(entries);
  auto blob = image.blobs()[1];
  --blob.size;
  CHECK(error_of([&] { source.blob(blob); }) == Errc::digest_mismatch);
}

}  // namespace docker_archive_tests

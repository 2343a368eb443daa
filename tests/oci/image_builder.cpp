#include <strata/codec/gzip.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/image_builder.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/sample_image.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "oci/oci_tools.hpp"
#include <cstdlib>
#include <string>

using oci_tools::error_of;
using strata::Digest;
using strata::Errc;

namespace oci = strata::oci;
namespace testing = strata::testing;

namespace {

std::string packed_layer(std::string const& plain, strata::Compression compression) {
  std::string out;
  auto encoder = strata::codec::All::compress(compression, strata::string_sink(out), {});
  encoder->write(strata::as_bytes(plain));
  encoder->finish();
  return out;
}

/// A builder with a layer from a stream, one from a file, and one that is known.
struct Made {
  testing::TempDir directory = {};
  std::string first = testing::sample_layer("a", "one");
  std::string second = testing::sample_layer("b", "two");
  std::string third = testing::sample_layer("c", "three");

  oci::ImageBuilder builder(oci::NewImage image = {}) const {
    image.config.cmd = {"/a"};
    oci::ImageBuilder out(std::move(image), {.scratch = directory.path()});
    out.add_layer(strata::memory_source(packed_layer(first, strata::Compression::gzip)),
                  {.created_by = "ADD a"});
    out.add_step({.created_by = "ENV"});
    auto const file = directory / "second";
    boost::filesystem::ofstream(file, std::ios::binary) << second;
    out.add_layer(file);
    auto const digest = Digest::of(strata::as_bytes(third));
    out.add_layer(oci::PlannedLayer{.blob = {.media_type = std::string(oci::media_type::oci_layer),
                                             .digest = digest,
                                             .size = third.size()},
                                    .diff_id = digest},
                  [text = third] { return strata::memory_source(text); }, {.created_by = "ADD c"});
    return out;
  }
};

}  // namespace

TEST_CASE("an image that is made is a source", "[oci]") {
  Made const made;
  auto const builder = made.builder();
  testing::image_source_suite(builder, "");
  testing::image_source_suite(builder, builder.references().front());
  oci::ImageBuilder const none;
  testing::image_source_suite(none, "");
}

TEST_CASE("an image that is made says what it was told", "[oci]") {
  Made const made;
  auto const builder = made.builder({.platform = oci::Platform::parse("linux/arm64"),
                                     .author = "me",
                                     .created = strata::Timestamp{.seconds = 1'600'000'000},
                                     .annotations = {{"a", "b"}}});
  auto const config = builder.image_config();
  CHECK(config.platform().str() == "linux/arm64");
  CHECK(config.author() == "me");
  CHECK(config.config().cmd == std::vector<std::string>{"/a"});
  REQUIRE(config.history().size() == 4);
  CHECK(config.history()[0].created_by == "ADD a");
  CHECK(config.history()[1].empty_layer);
  for (auto const& step : config.history()) CHECK(step.created->seconds == 1'600'000'000);
  CHECK(config.diff_ids().at(0) == Digest::of(strata::as_bytes(made.first)));
  auto const manifest = builder.image_manifest();
  CHECK(manifest.annotations().at("a") == "b");
  CHECK(manifest.layers().at(0).media_type == oci::media_type::oci_layer_gzip);
  CHECK(manifest.layers().at(1).media_type == oci::media_type::oci_layer);
}

TEST_CASE("equal layers and words make equal bytes at a time that is given", "[oci]") {
  ::setenv("SOURCE_DATE_EPOCH", "1600000000", 1);
  Made const one;
  Made const two;
  CHECK(one.builder().manifest("").bytes == two.builder().manifest("").bytes);
  CHECK(one.builder().image_config().bytes() == two.builder().image_config().bytes());
  ::unsetenv("SOURCE_DATE_EPOCH");
  CHECK(one.builder().manifest("").bytes != two.builder().manifest("").bytes);
}

TEST_CASE("an image that is made is copied as any other", "[oci]") {
  Made const made;
  for (auto const format : {oci::Format::oci, oci::Format::docker}) {
    auto const builder = made.builder({.format = format});
    testing::TempDir const directory;
    oci::OciLayout layout(directory / "layout", strata::Flush::none);
    auto const copied = oci::copy_image(builder, layout, {.name = "made", .scratch = directory.path()});
    layout.finish();
    CHECK(copied.config == builder.image_config().digest());
    testing::image_source_suite(layout, "made");
    oci::DockerArchiveWriter archive(directory / "archive", {.flush = strata::Flush::none});
    oci::copy_image(layout, archive,
                    {.reference = "made", .name = "localhost/made:1", .scratch = directory.path()});
    archive.finish();
    oci::DockerArchive const read(directory / "archive");
    CHECK(testing::read_all(read.blob(
              oci::Manifest::parse(read.manifest("localhost/made:1").bytes).layers()[0])) == made.first);
  }
}

TEST_CASE("what is no layer, or changes before it is copied, makes no image", "[oci]") {
  testing::TempDir const directory;
  oci::ImageBuilder builder({}, {.plain_bytes = 5000, .scratch = directory.path()});
  auto const layer = testing::sample_layer("a", std::string(100'000, 'x'));
  CHECK(error_of([&] {
          builder.add_layer(strata::memory_source(packed_layer(layer, strata::Compression::gzip)));
        }) == Errc::over_budget);
  CHECK(error_of([&] {
          builder.add_layer(
              strata::memory_source(std::string("\xFD"
                                                "7zXZ\0xz",
                                                8)));
        }) == Errc::unsupported);
  auto const half = packed_layer(layer, strata::Compression::zstd);
  CHECK(error_of([&] { builder.add_layer(strata::memory_source(half.substr(0, half.size() / 2))); }));
  CHECK(error_of([&] { builder.add_layer(directory / "nosuch"); }, "nosuch") == oci_tools::system(ENOENT));
  CHECK(builder.image_config().diff_ids().empty());
  CHECK(builder.image_config().history().empty());

  auto const file = directory / "layer";
  boost::filesystem::ofstream(file) << layer;
  builder.add_layer(file);
  boost::filesystem::fstream(file, std::ios::in | std::ios::out) << "other";
  oci::OciLayout layout(directory / "layout", strata::Flush::none);
  CHECK(error_of([&] { oci::copy_image(builder, layout, {.name = "made"}); }) == Errc::digest_mismatch);
}

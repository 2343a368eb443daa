#include <strata/bodies.hpp>
#include <strata/oci/commit.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/testing/sample_image.hpp>

#include <boost/filesystem/fstream.hpp>

#include "oci/oci_tools.hpp"
#include "store/stores.hpp"
#include <cstdlib>

using oci_tools::error_of;
using strata::Digest;
using strata::Errc;

namespace oci = strata::oci;
namespace testing = strata::testing;

namespace {

/// A store with an image of two layers, "base", and a container of it, "box", that changed a file.
struct Fixture : stores::Fixture<stores::Vfs> {
  Fixture() {
    auto const sample = testing::sample_image("a", 2);
    oci::OciLayout layout(directory.path() / "layout", strata::Flush::none);
    auto const blobs = sample.blobs();
    for (std::size_t i = 0; i < blobs.size(); ++i)
      layout.put_blob(blobs[i], strata::memory_source(sample.bytes(i)));
    layout.put_manifest("v1", sample.manifest);
    layout.finish();
    oci::ImagesOf images(store);
    oci::copy_image(layout, images, {.reference = "v1", .name = "base"});
    store.containers().create("base", {.names = {"box"}});
    write("a1", "changed");
  }
  void write(std::string const& file, std::string const& text) {
    auto const root = store.containers().get("box").mount();
    boost::filesystem::ofstream(root.path() / file) << text;
  }
  auto commit(oci::CommitImageOptions const& options) {
    return oci::commit(store, store.containers().get("box"), options);
  }
  static oci::ImageConfig config_of(Store::Image const& image) {
    return oci::ImageConfig::parse(image.big_data().get("sha256:" + image.id().str()));
  }
};

}  // namespace

TEST_CASE("a container is committed as an image with one more layer", "[oci]") {
  Fixture fixture;
  auto& store = fixture.store;
  auto const base = store.images().get("base");
  auto const before = Fixture::config_of(base);
  auto const layers = store.layers().list().size();
  auto const image = fixture.commit({.name = "new",
                                     .author = "me",
                                     .comment = "why",
                                     .created_by = "/bin/sh",
                                     .created = strata::Timestamp{.seconds = 1'700'000'000, .nanoseconds = 0},
                                     .change = [](oci::RunConfig& run) { run.cmd = {"/new"}; }});
  CHECK(store.images().get("new").id() == image.id());
  CHECK(store.layers().list().size() == layers + 1);
  REQUIRE(image.top_layer());
  CHECK(image.top_layer()->parent()->id() == base.top_layer()->id());
  CHECK(testing::read_all(image.open("a1")) == "changed");
  CHECK(testing::read_all(base.open("a1")).starts_with("a1x"));

  auto const config = Fixture::config_of(image);
  CHECK(config.diff_ids().size() == 3);
  CHECK(config.diff_ids().back().str() == image.top_layer()->record().diff_digest);
  CHECK(config.config().cmd == std::vector<std::string>{"/new"});
  CHECK(config.config().labels == before.config().labels);
  CHECK(config.platform() == before.platform());
  CHECK(config.author() == "me");
  REQUIRE(config.history().size() == 3);
  CHECK(config.history().back().comment == "why");
  CHECK(config.history().back().created_by == "/bin/sh");
  CHECK(config.created()->seconds == 1'700'000'000);
  CHECK(image.created().seconds == 1'700'000'000);

  // what a copy asks of an image: its documents agree with its layers
  oci::OciLayout out(fixture.directory.path() / "out", strata::Flush::none);
  oci::ImagesOf images(store);
  CHECK(oci::copy_image(images, out, {.reference = "new", .name = "v2"}).config.hex() == image.id().str());
}

TEST_CASE("the same container committed twice is one image if the time is given", "[oci]") {
  Fixture fixture;
  ::setenv("SOURCE_DATE_EPOCH", "1600000000", 1);
  auto const one = fixture.commit({.name = "one"});
  auto const layers = fixture.store.layers().list().size();
  auto const two = fixture.commit({.name = "two"});
  CHECK(one.id() == two.id());
  CHECK(one.created().seconds == 1'600'000'000);
  CHECK(fixture.store.layers().list().size() == layers);
  CHECK(fixture.store.images().get("one").names() == strata::names::List{"two", "one"});
  ::setenv("SOURCE_DATE_EPOCH", "soon", 1);
  CHECK(error_of([&] { fixture.commit({}); }, "soon") == std::errc::invalid_argument);
  ::unsetenv("SOURCE_DATE_EPOCH");
  CHECK(fixture.store.layers().list().size() == layers);
  CHECK(fixture.commit({}).id() != one.id());  // another time
}

TEST_CASE("a container without an image becomes an image of one layer", "[oci]") {
  Fixture fixture;
  auto& store = fixture.store;
  auto const box = store.containers().create("", {.names = {"bare"}});
  {
    auto const root = box.mount();
    boost::filesystem::ofstream(root.path() / "file") << "text";
  }
  auto const image = oci::commit(store, box, {.name = "new", .format = oci::Format::docker});
  auto const config = Fixture::config_of(image);
  CHECK(config.diff_ids().size() == 1);
  CHECK(config.platform() == oci::host_platform());
  CHECK(!image.top_layer()->parent());
  CHECK(testing::read_all(image.open("file")) == "text");
  auto const manifest = oci::Manifest::parse(image.big_data().get("manifest"));
  CHECK(manifest.media_type() == oci::media_type::docker_manifest);
}

TEST_CASE("an image whose documents are missing or another's is not committed over", "[oci]") {
  Fixture fixture;
  auto& store = fixture.store;
  auto base = store.images().get("base");
  auto const layers = stores::ids(store.layers().list());
  SECTION("no manifest") {
    base.big_data().erase("manifest");
    CHECK(error_of([&] { fixture.commit({}); }) == Errc::data_unknown);
  }
  SECTION("the configuration has other layers") {
    auto const other = testing::sample_image("b", 2);
    base.big_data().set(Digest::of(strata::as_bytes(other.config)).str(), other.config);
    base.big_data().set("manifest", other.manifest.bytes);
    CHECK(error_of([&] { fixture.commit({}); }, "layer 1") == Errc::digest_mismatch);
  }
  CHECK(stores::ids(store.layers().list()) == layers);
  CHECK(store.images().list().size() == 1);
}

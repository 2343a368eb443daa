#include <strata/fs.hpp>
#include <strata/store/images.hpp>

#include "stores.hpp"
#include "tools/syscall_tracer.hpp"
#include <array>
#include <sys/syscall.h>

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEMPLATE_TEST_CASE("an image points to its top layer and is found by its digests", "[store][images]",
                   stores::Vfs, stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  auto image = store.images().create(
      {.id = "i1", .names = {"docker.io/x/y:latest"}, .top_layer = "bas", .metadata = "{}"});
  REQUIRE(image.top_layer());
  CHECK(image.top_layer()->id().str() == "base");
  CHECK(image.digests().empty());

  std::string const manifest = R"({"schemaVersion":2})";
  auto const digest = Digest::of(as_bytes(manifest));
  image.big_data().set("config", "{}");
  image.big_data().set("manifest", manifest);
  image.big_data().set("manifest-" + digest.str(), manifest);
  CHECK(image.record().digest == digest.str());
  CHECK(image.digests() == std::vector<std::string>{digest.str()});
  CHECK(stores::ids(store.images().by_digest(digest)) == std::vector<std::string>{"i1"});
  CHECK(store.images().by_digest(Digest::of(as_bytes("{}"))).empty());
  CHECK(image.big_data().size("manifest") == static_cast<std::int64_t>(manifest.size()));
  CHECK(image.big_data().digest("manifest") == digest);
  CHECK(image.big_data().get("config") == "{}");
  CHECK(image.big_data().names() == names::List{"config", "manifest", "manifest-" + digest.str()});

  image.big_data().set("config", "longer");
  CHECK(image.big_data().size("config") == 6);
  CHECK(image.big_data().names().size() == 3);
  CHECK(code_of([&] { static_cast<void>(image.big_data().size("nothing")); }) == Errc::size_unknown);
  CHECK(code_of([&] { static_cast<void>(image.big_data().digest("nothing")); }) == Errc::digest_unknown);
}

TEMPLATE_TEST_CASE("an image is created with its big data, or not at all", "[store][images]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  std::string const manifest = R"({"schemaVersion":2})";
  auto const digest = Digest::of(as_bytes(manifest));
  auto const image =
      store.images().create({.id = "i1",
                             .names = {"localhost/x:1"},
                             .big_data = {{"config", "{}"}, {"manifest", "older"}, {"manifest", manifest}}});
  CHECK(image.big_data().names() == names::List{"config", "manifest"});
  CHECK(image.big_data().get("config") == "{}");
  CHECK(image.big_data().get("manifest") == manifest);
  CHECK(image.big_data().digest("manifest") == digest);
  CHECK(image.record().digest == digest.str());
  CHECK(stores::ids(store.images().by_digest(digest)) == std::vector<std::string>{"i1"});

  auto const refused = [&](ImageOptions const& options) {
    return code_of([&] { store.images().create(options); });
  };
  CHECK(refused({.id = "i2", .big_data = {{"config", "{}"}, {"", "x"}}}) == Errc::invalid_name);
  CHECK(refused({.id = "i2", .names = {"localhost/x:1"}, .big_data = {{"config", "{}"}}}) ==
        Errc::duplicate_name);
  CHECK(refused({.id = "i2", .top_layer = "none", .big_data = {{"config", "{}"}}}) == Errc::layer_unknown);
  CHECK(!store.images().exists("i2"));
  store.images().create({.id = "i2"});  // nothing was left of it
  CHECK(store.images().get("i2").big_data().names().empty());
}

TEST_CASE("an image of a volatile container's layer has its files on the device", "[store][images]") {
  using S = Store<drivers::Vfs, serializers::Json, durability::Full>;
  for (bool const is_volatile : {false, true}) {
    Fixture<S> fixture;
    auto const layer = fixture.store.containers().create("", {.is_volatile = is_volatile}).record().layer;
    int flushed = 0;
    std::array<int, 1> const calls{SYS_syncfs};
    auto const outcome = tools::trace(
        [&] {
          S store(fixture.options());
          store.images().create({.top_layer = layer});
          return 0;
        },
        calls,
        [&](tools::SystemCall const&) {
          ++flushed;
          return tools::Decision{};
        });
    CHECK(outcome.ended_well());
    CHECK(flushed == (is_volatile ? 1 : 0));
  }
}

TEMPLATE_TEST_CASE("an image cannot be created from a layer that does not exist", "[store][images]",
                   stores::Vfs, stores::Journal) {
  Fixture<TestType> fixture;
  auto images = fixture.store.images();
  images.create({.id = "one", .names = {"taken"}});
  CHECK(code_of([&] { images.create({.top_layer = "nothing"}); }) == Errc::layer_unknown);
  CHECK(code_of([&] { images.create({.id = "one"}); }) == Errc::duplicate_id);
  CHECK(code_of([&] { images.create({.names = {"taken"}}); }) == Errc::duplicate_name);
  CHECK(code_of([&] { images.create({.digest = "sha256:aaaa"}); }) == Errc::digest_invalid_length);
  // told last, as containers/storage does
  CHECK(code_of([&] { images.create({.top_layer = "nothing", .digest = "sha256:aaaa"}); }) ==
        Errc::layer_unknown);
  CHECK(code_of([&] { images.create({.names = {"taken"}, .digest = "sha256:aaaa"}); }) ==
        Errc::duplicate_name);
  CHECK(images.list().size() == 1);
  CHECK_FALSE(images.get("one").top_layer());
}

TEMPLATE_TEST_CASE("an image is created with a name that another one had", "[store][images]", stores::Vfs,
                   stores::Journal) {
  Fixture<TestType> fixture;
  auto images = fixture.store.images();
  images.create({.id = "one", .names = {"taken", "kept"}});
  auto const two = images.create({.id = "two", .names = {"taken", "new"}, .take_names = true});
  CHECK(two.names() == names::List{"taken", "new"});
  CHECK(images.get("taken").id().str() == "two");
  CHECK(images.get("one").names() == names::List{"kept"});
  // as if they had been added
  CHECK(two.record().names_history == names::List{"new", "taken"});
  CHECK(code_of([&] { images.create({.id = "two", .names = {"kept"}, .take_names = true}); }) ==
        Errc::duplicate_id);
  CHECK(images.get("one").names() == names::List{"kept"});
  images.create({.id = "three", .names = {"kept"}, .take_names = true, .big_data = {{"key", "bytes"}}});
  CHECK(images.get("kept").big_data().get("key") == "bytes");
}

TEMPLATE_TEST_CASE("the history of an image's names is newest first", "[store][images]", stores::Vfs) {
  Fixture<TestType> fixture;
  auto image = fixture.store.images().create({.id = "one", .names = {"first"}});
  CHECK(image.record().names_history.empty());  // creation leaves no history, as in containers/storage
  image.add_names({"second"});
  CHECK(image.record().names_history == names::List{"first", "second"});
  image.set_names({"third"});
  CHECK(image.record().names_history == names::List{"third", "first", "second"});
}

TEMPLATE_TEST_CASE("removing an image removes the layers that nothing else needs", "[store][images]",
                   stores::Vfs, stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.layers().create({.id = "shared", .parent = "base"});
  store.layers().create({.id = "top", .parent = "shared"});
  store.layers().create({.id = "sibling", .parent = "shared"});
  store.images().create({.id = "one", .top_layer = "top"});
  store.images().create({.id = "two", .top_layer = "sibling"});
  auto const box = store.containers().create("one", {.id = "box"});

  CHECK(code_of([&] { store.images().remove("one"); }) == Errc::image_used_by_container);
  CHECK(stores::holder_of([&] { store.images().remove("one"); }) == "box");
  store.containers().remove(box);

  auto const ids = [](std::vector<LayerId> const& list) {
    std::vector<std::string> out;
    for (auto const& id : list) out.push_back(id.str());
    return out;
  };
  CHECK(ids(store.images().remove("one", {.dry_run = true})) == std::vector<std::string>{"top"});
  CHECK(store.images().exists("one"));
  CHECK(ids(store.images().remove("one")) == std::vector<std::string>{"top"});
  CHECK(ids(store.images().remove("two")) == std::vector<std::string>{"sibling", "shared", "base"});
  CHECK(store.layers().list().empty());
  CHECK(code_of([&] { store.images().remove("two"); }) == Errc::image_unknown);
}

TEST_CASE("an image can be removed without its layers", "[store][images]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  auto image = store.images().create({.id = "one", .top_layer = "base"});
  image.big_data().set("manifest", "x");
  CHECK(store.images().remove("one", {.keep_layers = true}).empty());
  CHECK(store.layers().exists("base"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs-images/one"));
}

#include <strata/chunked/chunked_layer.hpp>
#include <strata/store/staged_layer.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/tree_source.hpp>

#include "stores.hpp"

using namespace strata;
using stores::code_of;
using stores::Fixture;

TEMPLATE_TEST_CASE("a staged layer is invisible until it is committed, and complete then",
                   "[store][staged_layer]", stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "base"});
  auto const tar = stores::tar_of({{"file", "contents"}});
  auto staged = layers.stage({.parent = "base"});
  staged.fill(memory_source(tar));
  staged.add_big_data("key", "value");
  CHECK(layers.list().size() == 1);
  auto layer = staged.commit({.id = "top", .names = {"name"}, .metadata = "text"});
  CHECK(sys::StagingDirectory::look(fixture.store.core().layer_trash()).empty());  // no intent: it is done
  CHECK(layer.record().parent == "base");
  CHECK(layer.record().diff_digest == Digest::of(as_bytes(tar)).str());
  CHECK(layer.metadata() == "text");
  CHECK(layer.big_data().get("key") == "value");
  CHECK(layers.get("name").big_data().names() == names::List{"key"});
  CHECK(stores::diff_of(layer) == tar);
}

TEMPLATE_TEST_CASE("a staged layer that is dropped or refused leaves nothing", "[store][staged_layer]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "taken"}).big_data().set("kept", "data");
  auto const before = stores::files_below(fixture.graph());
  {
    auto dropped = layers.stage();
    dropped.fill(memory_source(stores::tar_of({{"file", "contents"}})));
    dropped.add_big_data("key", "value");
  }
  CHECK(stores::files_below(fixture.graph()) == before);
  {
    auto refused = layers.stage();
    refused.add_big_data("key", "value");
    CHECK(code_of([&] { refused.add_big_data("", "value"); }) == Errc::invalid_name);
    CHECK(code_of([&] { refused.add_big_data("k\xff", "value"); }) == Errc::invalid_name);  // no UTF-8
    CHECK(code_of([&] { refused.commit({.id = "taken"}); }) == Errc::duplicate_id);
  }
  CHECK(stores::files_below(fixture.graph()) == before);
  CHECK(layers.get("taken").big_data().get("kept") == "data");
}

TEMPLATE_TEST_CASE("a staged layer cannot be committed without its parent", "[store][staged_layer]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "base"});
  auto staged = layers.stage({.parent = "base"});
  layers.remove("base");
  CHECK(code_of([&] { staged.commit({.id = "top"}); }) == Errc::layer_unknown);
  CHECK(layers.list().empty());
}

TEMPLATE_TEST_CASE("a staged layer can replace the contents of another", "[store][staged_layer]", stores::Vfs,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.import(memory_source(stores::tar_of({{"old", "old"}})), {.id = "layer"});
  auto const tar = stores::tar_of({{"new", "contents"}});
  auto staged = layers.stage();
  staged.fill(memory_source(tar));
  staged.add_big_data("key", "value");
  auto layer = staged.replace("layer");
  CHECK(stores::diff_of(layer) == tar);
  CHECK(layer.diff_size() == 8);
  CHECK(layer.big_data().get("key") == "value");
  layers.create({.id = "base"});
  CHECK(code_of([&] { layers.stage({.parent = "base"}).replace("layer"); }) == Errc::changed_meanwhile);
}

TEST_CASE("a staged directory becomes a layer identified by a table of contents", "[store][staged_layer]") {
  Fixture<stores::Vfs> fixture;
  auto layers = fixture.store.layers();
  sys::make_directories(fixture.directory.path() / "tree/sub", 0755);
  sys::replace_file(fixture.directory.path() / "tree/sub/file", "contents");
  std::string stream;
  auto staged = layers.stage();
  auto const made =
      fill_chunked(staged, archive::TreeSource(fixture.directory.path() / "tree"), string_sink(stream));
  auto layer = staged.commit({.id = "layer"});
  CHECK(layer.record().toc_digest == made.toc_digest->str());
  CHECK(layer.record().compressed_diff_digest.empty());
  CHECK(layer.record().compression == 0);
  CHECK(layer.big_data().get(chunked_manifest_key) == made.manifest);
  // The stream is an ordinary zstd archive, too.
  auto const again = layers.import(memory_source(stream), {.id = "again"});
  CHECK(again.record().diff_digest == layer.record().diff_digest);
  CHECK(stores::diff_of(again, DiffOptions{.compression = Compression::none}) == stores::diff_of(layer));
}

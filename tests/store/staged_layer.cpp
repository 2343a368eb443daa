#include <strata/chunked/chunked_layer.hpp>
#include <strata/fs.hpp>
#include <strata/store/staged_layer.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/tree/tree_source.hpp>

#include "stores.hpp"
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

namespace {

struct FullSink {
  void write(Bytes) { throw Error(Errc::stopped, "no room"); }
};

}  // namespace

TEMPLATE_TEST_CASE("a staged layer whose filling failed cannot be published", "[store][staged_layer]",
                   stores::Vfs, stores::Overlay, stores::Journal) {
  using Staged = StagedLayer<std::remove_cvref_t<decltype(std::declval<TestType&>().core())>>;
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.import(memory_source(stores::tar_of({{"kept", "contents"}})), {.id = "old"});
  auto const before = stores::files_below(fixture.graph());
  auto const tar = stores::tar_of({{"first", "contents"}, {"second", std::string(4000, 's')}});
  auto const cut = tar.substr(0, 2048);
  std::vector<std::pair<std::string, std::function<void(Staged&)>>> const ways{
      {"fill", [&](Staged& staged) { staged.fill(memory_source(cut)); }},
      {"fill_by",
       [&](Staged& staged) {
         staged.fill_by([&](auto&, auto& tree, fs::path const&, LayerRecord& record) {
           Source source = memory_source(tar);
           archive::TarReader reader(source);
           archive::TarHeader header;
           reader.next(header);
           tree.add(header, reader);
           record.diff_size = 1;
           throw Error(Errc::stopped, "half way");
         });
       }},
      {"fill_chunked, the archive",
       [&](Staged& staged) {
         std::string stream;
         fill_chunked(staged, memory_source(cut), string_sink(stream));
       }},
      {"fill_chunked, the stream",
       [&](Staged& staged) { fill_chunked(staged, memory_source(tar), FullSink{}); }},
      {"complete_by",
       [&](Staged& staged) {
         staged.fill(memory_source(tar));
         staged.complete_by([] { throw Error(Errc::stopped, "half way"); });
       }},
  };
  for (auto const& [name, fill] : ways) {
    INFO(name);
    {
      auto staged = layers.stage();
      CHECK(code_of([&] { fill(staged); }));
      CHECK((staged.tar_split().empty() || sys::is_present(staged.tar_split())));
      CHECK(code_of([&] { staged.fill(memory_source(tar)); }) == Errc::layer_incomplete);
      CHECK(code_of([&] { staged.fill_by([](auto&&...) { FAIL("called"); }); }) == Errc::layer_incomplete);
      CHECK(code_of([&] { staged.add_big_data("key", "bytes"); }) == Errc::layer_incomplete);
      CHECK(code_of([&] { staged.set_toc_digest("sha256:none"); }) == Errc::layer_incomplete);
      CHECK(code_of([&] { staged.replace("old"); }) == Errc::layer_incomplete);
      auto moved = std::move(staged);
      CHECK(code_of([&] { moved.commit({.id = "new"}); }) == Errc::layer_incomplete);
    }
    CHECK(layers.list().size() == 1);
    CHECK(stores::diff_of(layers.get("old")) == stores::tar_of({{"kept", "contents"}}));
    CHECK(stores::files_below(fixture.graph()) == before);
  }
}

TEST_CASE("a staged layer is filled once and published once", "[store][staged_layer]") {
  Fixture<stores::Vfs> fixture;
  auto layers = fixture.store.layers();
  auto const tar = stores::tar_of({{"file", "contents"}});
  auto const refuses = [&](auto& staged) {
    CHECK(code_of([&] { staged.fill(memory_source(tar)); }) == Errc::layer_sealed);
    CHECK(code_of([&] { staged.fill_by([](auto&&...) { FAIL("called"); }); }) == Errc::layer_sealed);
  };
  auto staged = layers.stage();
  staged.fill(memory_source(tar));
  refuses(staged);
  layers.create({.id = "taken"});
  CHECK(code_of([&] { staged.commit({.id = "taken"}); }) == Errc::duplicate_id);
  staged.commit({.id = "layer"});  // what was refused before anything was moved may be asked for again
  refuses(staged);
  CHECK(code_of([&] { staged.commit({.id = "again"}); }) == Errc::layer_sealed);
  CHECK(code_of([&] { staged.replace("layer"); }) == Errc::layer_sealed);
  CHECK(code_of([&] { staged.add_big_data("key", "value"); }) == Errc::layer_sealed);
  auto other = layers.stage();
  other.fill(memory_source(tar));
  layers.create({.id = "over", .parent = "taken"});
  CHECK(code_of([&] { other.replace("over"); }) == Errc::changed_meanwhile);
  other.replace("layer");
  refuses(other);
  CHECK(code_of([&] { other.commit({.id = "again"}); }) == Errc::layer_sealed);
  CHECK(layers.list().size() == 3);
  CHECK(stores::diff_of(layers.get("layer")) == tar);
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

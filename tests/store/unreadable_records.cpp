#include <strata/error.hpp>
#include <strata/store/known_ids.hpp>
#include <strata/store/store.hpp>
#include <strata/store/unreadable_records.hpp>
#include <strata/sys/file.hpp>

#include <catch2/catch.hpp>

#include "stores.hpp"
#include <string>

using namespace strata;
using stores::code_of;
using stores::Fixture;

namespace unreadable_records_tests {

/// What a later release might write.
void write_foreign(std::string const& file) {
  sys::make_directories(file.substr(0, file.rfind('/')), 0700);
  sys::replace_file(file, R"(["not a record of this release"])");
}

}  // namespace unreadable_records_tests

TEST_CASE("data that an unreadable record may refer to is not taken for new", "[store][unreadable_records]") {
  Fixture<stores::Vfs> fixture;
  auto const graph = fixture.graph().native();
  fixture.store.layers().create({.id = "layer"});
  auto const create = [&] {
    return code_of([&] { fixture.store.images().create({.id = "image", .top_layer = "layer"}); });
  };
  sys::make_directories(graph + "/vfs-images/image", 0700);
  sys::replace_file(graph + "/vfs-images/image/data", "of another");
  unreadable_records_tests::write_foreign(graph + "/vfs-images/images.json");
  CHECK(create() == Errc::corrupt_record);
  CHECK(sys::read_file(graph + "/vfs-images/image/data") == "of another");
  CHECK(code_of([&] { fixture.store.images().create({.id = "other", .top_layer = "layer"}); }) ==
        std::error_code());
  auto const text = sys::read_file(graph + "/vfs-images/images.json");
  CHECK(text.find("not a record of this release") != std::string::npos);  // it is written back
}

TEST_CASE("ids of records are known with what they refer to, in all files", "[store][known_ids]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
  store.images().create({.id = "image", .top_layer = "top"});
  store.containers().create("image", {.id = "box"});
  // Of a store that was opened as transient: this one does not use it, and must not take its files for orphans.
  sys::make_directories(fixture.directory.path().native() + "/run/vfs-containers", 0700);
  sys::replace_file(fixture.directory.path().native() + "/run/vfs-containers/volatile-containers.json",
                    R"([{"id":"theirs","image":"lost","layer":"gone","created":"2024-01-01T00:00:00Z"}])");
  auto& core = store.core();
  using Core = stores::Vfs::Core;
  auto const known =
      KnownIds::of(core, core.table<Core::LayerTraits>().read(), core.table<Core::ImageTraits>().read(),
                   core.table<Core::ContainerTraits>().read());
  CHECK(known.layers.contains("base"));
  CHECK(known.images.contains("image"));
  CHECK(known.containers == std::set<std::string, std::less<>>{"box", "theirs"});
  for (auto const* id : {"base", "top", "image", "lost", "gone"}) CHECK(known.wanted.contains(id));
  CHECK_FALSE(known.wanted.contains("box"));
  for (auto const kind : {Subject::layer, Subject::image, Subject::container}) CHECK(known.all(kind));
  CHECK(known.unreadable.empty());
  CHECK(known.layer_ids().size() == known.layers.size());

  unreadable_records_tests::write_foreign(fixture.directory.path().native() +
                                          "/run/vfs-layers/volatile-layers.json");
  auto const less = KnownIds::in_other_files(core);
  CHECK_FALSE(less.all(Subject::layer));
  CHECK(less.all(Subject::container));
  CHECK(less.unreadable.size() == 1);
}

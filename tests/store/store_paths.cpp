#include <strata/error.hpp>
#include <strata/store/store.hpp>
#include <strata/store/store_paths.hpp>

#include <catch2/catch.hpp>

#include "stores.hpp"
#include <string>

using namespace strata;
using stores::code_of;

namespace store_paths_tests {

/// Where a store has its files, with nothing made.
struct Places : StorePaths<Places> {
  using Serializer = serializers::Json;
  using LayerTraits = stores::Vfs::Core::LayerTraits;
  using ImageTraits = stores::Vfs::Core::ImageTraits;
  using ContainerTraits = stores::Vfs::Core::ContainerTraits;
  static constexpr bool appends = false;
  struct Driver {
    std::string_view name() const { return "vfs"; }
  };
  stores::Vfs::Options where{.graph_root = "/g", .run_root = "/r"};
  Driver one;

  stores::Vfs::Options const& options() const { return where; }
  Driver const& driver() const { return one; }
};

}  // namespace store_paths_tests

using store_paths_tests::Places;

TEST_CASE("each kind has a directory named after the driver", "[store][store_paths]") {
  Places const at;
  CHECK(at.kind_directory<Places::LayerTraits>().native() == "/g/vfs-layers");
  CHECK(at.data_directory<Places::ImageTraits>("i").native() == "/g/vfs-images/i");
  CHECK(at.run_directory<Places::ContainerTraits>("c").native() == "/r/vfs-containers/c");
  CHECK(at.tar_split("l").native() == "/g/vfs-layers/l.tar-split.gz");
  CHECK(at.layer_trash().native() == "/g/vfs-layers/tmp");
  CHECK(at.lock_directory<Places::ContainerTraits>().native() == "/g/vfs-containers");
  CHECK(Places::lock_file("/g/vfs-layers", "layers").native() == "/g/vfs-layers/layers.lock");
}

TEST_CASE("a separate image store has images and the layers that no container writes to",
          "[store][store_paths]") {
  Places at;
  CHECK(at.place_of_layer(false) == RecordPlace::main);
  at.where.image_store = "/i";
  CHECK(at.kind_directory<Places::ImageTraits>().native() == "/i/vfs-images");
  CHECK(at.data_directory<Places::ImageTraits>("i").native() == "/i/vfs-images/i");
  CHECK(at.user_directory<Places::ImageTraits>("i").native() == "/g/vfs-images/i");
  CHECK(at.kind_directory<Places::LayerTraits>().native() == "/g/vfs-layers");
  CHECK(at.record_places<Places::LayerTraits>().image_store.native() == "/i/vfs-layers");
  CHECK(at.record_places<Places::ContainerTraits>().image_store.empty());
  CHECK(at.place_of_layer(false) == RecordPlace::image_store);
  CHECK(at.place_of_layer(true) == RecordPlace::main);
}

TEST_CASE("a transient store has what is of containers in the run root", "[store][store_paths]") {
  Places at;
  CHECK(at.place_of_container(true) == RecordPlace::main);
  at.where.volatile_apart = true;
  CHECK(at.place_of_container(true) == RecordPlace::volatile_file);
  CHECK(at.place_of_container(false) == RecordPlace::main);
  at.where.transient = true;
  CHECK(at.place_of_container(false) == RecordPlace::volatile_file);
  CHECK(at.lock_directory<Places::ContainerTraits>().native() == "/r/vfs-containers");
  CHECK(at.lock_directory<Places::LayerTraits>().native() == "/g/vfs-layers");
  CHECK(at.record_places<Places::ContainerTraits>().volatiles.native() == "/r/vfs-containers");
  CHECK(at.record_files<Places::ContainerTraits>().back().second.native() ==
        "/r/vfs-containers/volatile-containers.json");
}

TEST_CASE("an id that cannot be a name of a directory there is refused", "[store][store_paths]") {
  for (auto const* id : {"", ".", "..", "a/b", "/", "layers.json", "volatile-layers.json", "layers.lock",
                         "tmp", "x.tar-split.gz", ".tmp-1"}) {
    INFO(id);
    CHECK(code_of([&] { Places::component<Places::LayerTraits>(id); }) == Errc::invalid_id);
    if (*id != '\0') CHECK(code_of([&] { Places::new_id<Places::LayerTraits>(id); }) == Errc::invalid_id);
  }
  CHECK(Places::component<Places::LayerTraits>("images.json") == "images.json");  // of another kind
  CHECK(Places::new_id<Places::LayerTraits>("any id").str() == "any id");
  CHECK(code_of([] { Places::new_id<Places::LayerTraits>("\xff"); }) == Errc::invalid_id);  // no UTF-8
  auto const random = Places::new_id<Places::LayerTraits>("");
  CHECK(random.str().size() == 64);
  CHECK(random.str() != Places::new_id<Places::LayerTraits>("").str());
}

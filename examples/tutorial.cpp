// Needs root, for mounts.
#include <strata/strata.hpp>

#include <boost/filesystem/fstream.hpp>

#include <iostream>

using strata::drivers::Overlay;
using strata::serializers::Json;
using Store = strata::Store<Overlay, Json>;

Store::Options const location{.graph_root = "tutorial-store/graph", .run_root = "tutorial-store/run"};

void add_layers(Store& store) {
  auto base = store.layers().create({.names = {"base"}});
  {
    auto root = base.mount();  // unmounts at the end of the block
    strata::fs::create_directory(root.path() / "etc");
    strata::fs::ofstream(root.path() / "etc/motd") << "welcome\n";
  }
  auto top = store.layers().create({.names = {"top"}, .parent = base});
  auto root = top.mount();
  strata::fs::ofstream(root.path() / "etc/hostname") << "box\n";
}

void add_image(Store& store) {
  auto image =
      store.images().create({.names = {"localhost/box:1"}, .top_layer = "top", .metadata = "by hand"});
  image.big_data().set("config", R"({"os":"linux"})");
  std::cout << image.names().front() << ": config of " << image.big_data().size("config") << " bytes, "
            << image.metadata() << '\n';
}

void run_container(Store& store) {
  auto box = store.containers().create("localhost/box:1", {.names = {"box"}});
  {
    auto root = box.mount();
    strata::fs::remove(root.path() / "etc/motd");
    strata::fs::ofstream(root.path() / "etc/issue") << "changed\n";
  }
  for (auto const& change : box.changes()) std::cout << change << '\n';
}

void commit(Store& store) {
  store.containers().get("box").diff(strata::file_sink("change.tar.zst"),
                                     {.compression = strata::Compression::zstd});
  auto layer = store.layers().import("change.tar.zst", {.names = {"change"}, .parent = "top"});
  store.images().create({.names = {"localhost/box:2"}, .top_layer = layer});
  store.containers().remove("box");
}

struct ReviewedImage : strata::ImageRecord {
  std::string reviewer;

  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit) {
    visit("reviewer", self.reviewer);
  }
};
struct ReviewTraits : strata::StoreTraits<Overlay, Json> {
  struct Image : strata::ImageTraits<Overlay, Json> {
    using Record = ReviewedImage;
  };
};
using ReviewStore = strata::Store<Overlay, Json, strata::durability::Full, ReviewTraits>;

void review(ReviewStore& store) {
  auto image = store.images().get("localhost/box:2");
  image.edit([](ReviewedImage& record) { record.reviewer = "alice"; });
  for (auto const& each : store.images().list())
    std::cout << each.names().front() << ", reviewer: " << each.record().reviewer << '\n';
}

int main() try {
  Store store(location);
  add_layers(store);
  add_image(store);
  run_container(store);
  commit(store);
  ReviewStore reviews(location);
  review(reviews);
  store.images().remove("localhost/box:2");
  store.images().remove("localhost/box:1");
  std::cout << "layers left: " << store.layers().list().size() << '\n';
  store.shutdown();
} catch (strata::Error const& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

// Import a layer, create an image from it and a container from that, change the container, list the changes.
// The store is one that Podman can open. Needs root.   usage: quickstart [TAR [STORE]]
#include <strata/strata.hpp>

#include <boost/filesystem/fstream.hpp>

#include <iostream>

namespace fs = boost::filesystem;

using Store = strata::Store<strata::drivers::Overlay, strata::serializers::Json>;

// Sample archive, used if no TAR is given.
strata::Source sample() {
  using strata::archive::EntryType;
  std::string tar;
  strata::Sink out = strata::string_sink(tar);
  strata::archive::TarWriter writer(out);
  writer.add({.name = "etc/", .type = EntryType::directory, .mode = 0755});
  writer.add({.name = "etc/motd", .link_name = "issue", .type = EntryType::symlink, .mode = 0777});
  writer.finish();
  return strata::memory_source(std::move(tar));
}

int main(int argc, char** argv) try {
  fs::path const root = argc > 2 ? argv[2] : "quickstart-store";
  Store store({.graph_root = root / "graph", .run_root = root / "run"});

  auto layer = store.layers().import(argc > 1 ? strata::file_source(argv[1]) : sample(), {.names = {"base"}});
  auto image = store.images().create({.names = {"localhost/base:latest"}, .top_layer = layer});
  image.big_data().set("origin", "made by quickstart\n");
  auto box = store.containers().create(image, {.names = {"box"}});
  {
    auto mounted = box.mount();  // unmounts at the end of the block
    fs::ofstream(mounted.path() / "etc/hostname") << "box\n";
    fs::remove(mounted.path() / "etc/motd");
  }
  for (auto const& change : box.changes()) std::cout << change << '\n';

  std::string tar;
  box.diff(strata::string_sink(tar));
  std::cout << "as a tar: " << tar.size() << " bytes\n";

  store.containers().remove("box");
  store.images().remove("localhost/base:latest");  // also removes its layer
  std::cout << "layers left: " << store.layers().list().size() << '\n';
  store.shutdown();
} catch (strata::Error const& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

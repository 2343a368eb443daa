// From an image in an OCI layout to a mounted root file system; what the store has by then is not read again. Needs root.
// usage: image_to_rootfs [LAYOUT [REFERENCE [STORE]]]     without a layout, one is made
#include <strata/oci/commit.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/strata.hpp>

#include <boost/filesystem/fstream.hpp>

#include <iostream>

namespace fs = boost::filesystem;
namespace oci = strata::oci;

using Store = strata::Store<strata::drivers::Overlay, strata::serializers::Json>;

// A container that wrote a file, committed and saved.
void make_layout(Store& store, fs::path const& path) {
  auto box = store.containers().create("", {.names = {"builder"}});
  {
    auto root = box.mount();
    fs::ofstream(root.path() / "motd") << "hello\n";
  }
  oci::commit(store, box, {.name = "localhost/hello:1", .change = [](auto& run) { run.cmd = {"/bin/sh"}; }});
  store.containers().remove(box);
  oci::ImagesOf images(store);
  oci::OciLayout layout(path);
  oci::copy_image(images, layout,
                  {.reference = "localhost/hello:1", .name = "1", .scratch = path.parent_path()});
  layout.finish();
}

int main(int argc, char** argv) try {
  fs::path const root = argc > 3 ? argv[3] : "image-to-rootfs";
  fs::path const path = argc > 1 ? fs::path(argv[1]) : fs::absolute(root) / "layout";
  if (argc == 1) {
    Store builder({.graph_root = root / "builder", .run_root = root / "builder-run"});
    make_layout(builder, path);
    builder.shutdown();
  }

  Store store({.graph_root = root / "graph", .run_root = root / "run"});
  oci::OciLayout layout(path);
  oci::ImagesOf images(store);
  auto const copied =
      oci::copy_image(layout, images, {.reference = argc > 2 ? argv[2] : "", .name = "image"});
  auto const image = store.images().get("image");
  std::cout << (image.id().str() == copied.config.hex() ? "loaded\n" : "another image\n");

  auto const mounted = image.mount();
  for (auto const& entry : fs::directory_iterator(mounted.path()))
    std::cout << entry.path().filename().native() << '\n';
} catch (std::exception const& error) {
  std::cerr << "image_to_rootfs: " << error.what() << '\n';
  return 1;
}

// Which Debian packages does an image have? It is neither mounted nor unpacked on disk, so no root is needed.
// usage: scan [LAYOUT [REFERENCE]]     without a layout, a sample is scanned
#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/store/store.hpp>

#include <iostream>
#include <sstream>

namespace oci = strata::oci;

using Store = strata::Store<strata::drivers::Memory, strata::serializers::Journal, strata::durability::None>;

Store::Image sample(Store& store) {
  std::string const status =
      "Package: base-files\nStatus: install ok installed\nVersion: 12.4+deb12u5\n\n"
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1.0\n\n"
      "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.2.13.dfsg-1\n";
  std::string tar;
  strata::Sink out = strata::string_sink(tar);
  strata::archive::TarWriter writer(out);
  strata::Source body = strata::memory_source(status);
  writer.add({.name = "var/lib/dpkg/status", .mode = 0644, .size = static_cast<std::int64_t>(status.size())},
             &body);
  writer.finish();
  return store.images().create({.top_layer = store.layers().import(strata::memory_source(tar))});
}

void print_packages(std::istream& status) {
  std::string name, version;
  bool installed = false;
  std::string const package = "Package: ", release = "Version: ";
  for (std::string line; std::getline(status, line) || !name.empty(); line.clear()) {
    if (line.empty()) {
      if (installed) std::cout << name << ' ' << version << '\n';
      name.clear(), version.clear(), installed = false;
    }
    if (line.starts_with(package)) name = line.substr(package.size());
    if (line.starts_with(release)) version = line.substr(release.size());
    installed = installed || line == "Status: install ok installed";
  }
}

int main(int argc, char** argv) try {
  Store store({.graph_root = "scan/graph", .run_root = "scan/run"});
  if (argc > 1) {
    oci::OciLayout layout(argv[1]);
    oci::ImagesOf images(store);
    oci::copy_image(layout, images, {.reference = argc > 2 ? argv[2] : "", .name = "image"});
  }
  auto const image = argc > 1 ? store.images().get("image") : sample(store);
  std::stringstream status;
  auto file = image.open("/var/lib/dpkg/status");
  for (auto part = file.next(); !part.empty(); part = file.next()) status << strata::as_text(part);
  print_packages(status);
} catch (std::exception const& error) {
  std::cerr << "scan: " << error.what() << '\n';
  return 1;
}

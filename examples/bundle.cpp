// From an image to an OCI runtime bundle: a mounted root file system, and beside it the config.json that tells a
// runtime such as crun how to run it. Needs root.
// usage: bundle [LAYOUT REFERENCE STORE RUNTIME...]
// runs "RUNTIME... run --bundle DIRECTORY NAME"; without a layout, an image is made, and nothing is run
#include <strata/oci/commit.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/oci/runtime_config.hpp>
#include <strata/strata.hpp>

#include <boost/filesystem/fstream.hpp>

#include <cstdlib>
#include <iostream>

namespace fs = boost::filesystem;
namespace oci = strata::oci;

using Store = strata::Store<strata::drivers::Overlay, strata::serializers::Json>;

// An image whose processes are those of a user that it has.
void make_image(Store& store) {
  auto box = store.containers().create("", {.names = {"builder"}});
  {
    auto root = box.mount();
    fs::create_directory(root.path() / "etc");
    fs::ofstream(root.path() / "etc/passwd") << "root:x:0:0::/root:/bin/sh\nserver:x:70:70::/srv:/bin/sh\n";
  }
  oci::commit(store, box, {.name = "image", .change = [](oci::RunConfig& run) {
                             run.entrypoint = {"/bin/server"};
                             run.cmd = {"--port", "80"};
                             run.user = "server";
                           }});
  store.containers().remove(box);
}

// A file of the container, read without mounting it: a link in it leads nowhere else.
std::string text_of(Store::Container const& container, std::string const& path) try {
  std::string text;
  auto file = container.open(path);
  for (auto part = file.next(); !part.empty(); part = file.next()) text += strata::as_text(part);
  return text;
} catch (strata::Error const& error) {
  if (error.code() == strata::Errc::data_unknown) return {};
  throw;
}

int main(int argc, char** argv) try {
  fs::path const where = argc > 3 ? fs::absolute(argv[3]) : fs::absolute("bundle");
  Store store({.graph_root = (where / "graph").native(), .run_root = (where / "run").native()});
  if (argc > 2) {
    oci::OciLayout layout(argv[1]);
    oci::ImagesOf images(store);
    oci::copy_image(layout, images, {.reference = argv[2], .name = "image"});
  } else {
    make_image(store);
  }

  auto const image = oci::config_of(store.images().get("image")).config();
  auto box = store.containers().create("image", {.names = {"box"}});
  auto const user = oci::resolve_user(image.user, text_of(box, "etc/passwd"), text_of(box, "etc/group"));
  auto const root = box.mount();
  auto const config = oci::runtime_config(image, root.path(), {.user = user, .hostname = "box"});
  fs::create_directories(where / "box");
  fs::ofstream(where / "box/config.json") << config;

  if (argc > 4) {
    std::string command;
    for (int i = 4; i < argc; ++i) command += std::string(argv[i]) + ' ';
    return std::system((command + "run --bundle '" + (where / "box").native() + "' box").c_str()) == 0 ? 0
                                                                                                       : 1;
  }
  auto const& process = config.at("process").as_object();
  for (auto const* const member : {"args", "env", "cwd", "user"}) std::cout << process.at(member) << '\n';
} catch (std::exception const& error) {
  std::cerr << "bundle: " << error.what() << '\n';
  return 1;
}

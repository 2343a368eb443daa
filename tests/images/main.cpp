// Copies an image into a store, out of it, or past it, for interop/images.sh; prints the digests of its configuration and its
// manifest, and how many of its layers were brought.
// usage: images load GRAPH RUN KIND PATH REFERENCE NAME [PLATFORM]
//        images save GRAPH RUN REFERENCE KIND PATH NAME
//        images copy KIND PATH REFERENCE KIND PATH NAME        one of the two is an OCI layout
//        images build LAYOUT NAME LAYER...                     of archives, the lowest first
//        images all LAYOUT REFERENCE LAYOUT NAME               an index with all its images
// KIND is oci, oci-archive, docker-archive or dir; $ADDITIONAL_STORE is the graph root of a read-only store besides.
#include <strata/instantiate/overlay_json.hpp>
#include <strata/oci/copy_image.hpp>
#include <strata/oci/copy_index.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/image_builder.hpp>
#include <strata/oci/images_of.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/oci/oci_layout.hpp>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace oci = strata::oci;

namespace {

using Store = strata::Store<strata::drivers::Overlay, strata::serializers::Json>;

oci::ImagesOf<Store> images_of(std::string const& graph, std::string const& run) {
  Store::Options where{.graph_root = graph, .run_root = run};
  if (char const* const other = std::getenv("ADDITIONAL_STORE")) where.image_stores = {other};
  return oci::ImagesOf{Store(where)};
}

template <class Destination>
oci::CopiedImage copy_from(std::string const& kind, strata::fs::path const& path, Destination& destination,
                           oci::CopyOptions const& options) {
  auto const from = [&](auto source) { return oci::copy_image(source, destination, options); };
  if (kind == "oci") return from(oci::OciLayout(path));
  if (kind == "oci-archive") return from(oci::OciArchive(path));
  if (kind == "docker-archive") return from(oci::DockerArchive(path));
  if (kind == "dir") return from(oci::Directory(path));
  throw std::invalid_argument("from " + kind);
}

template <class Source>
oci::CopiedImage copy_to(Source source, std::string const& kind, strata::fs::path const& path,
                         oci::CopyOptions const& options) {
  auto const to = [&](auto destination) {
    auto const copied = oci::copy_image(source, destination, options);
    destination.finish();
    return copied;
  };
  if (kind == "oci") return to(oci::OciLayout(path));
  if (kind == "oci-archive") return to(oci::OciArchiveWriter(path));
  if (kind == "docker-archive") return to(oci::DockerArchiveWriter(path));
  if (kind == "dir") return to(oci::Directory(path));
  throw std::invalid_argument("to " + kind);
}

oci::CopiedImage build(std::vector<std::string> const& words, oci::CopyOptions options) {
  oci::ImageBuilder builder({.config = {.cmd = {"/bin/sh"}}});
  for (std::size_t i = 3; i < words.size(); ++i)
    builder.add_layer(strata::fs::path(words[i]), {.created_by = "layer " + std::to_string(i - 3)});
  options.name = words[2];
  return copy_to(std::move(builder), "oci", words[1], options);
}

void copy_all(std::vector<std::string> const& words) {
  oci::OciLayout from(words[1]);
  oci::OciLayout to(words[3]);
  auto const copied = oci::copy_index(from, to, {.reference = words[2], .name = words[4]});
  to.finish();
  std::cout << copied.digest << ' ' << copied.images << '\n';
}

oci::CopiedImage run(std::vector<std::string> const& words, oci::CopyOptions options) {
  auto const& command = words[0];
  if (command == "build") return build(words, std::move(options));
  options.name = words[6];
  if (command == "load") {
    options.reference = words[5];
    if (words.size() > 7) options.platform = oci::Platform::parse(words[7]);
    auto images = images_of(words[1], words[2]);
    return copy_from(words[3], words[4], images, options);
  }
  options.reference = words[3];
  if (command == "save") return copy_to(images_of(words[1], words[2]), words[4], words[5], options);
  if (command != "copy") throw std::invalid_argument(command);
  if (words[1] == "oci") return copy_to(oci::OciLayout(words[2]), words[4], words[5], options);
  oci::OciLayout layout(words[5]);
  auto const copied = copy_from(words[1], words[2], layout, options);
  layout.finish();
  return copied;
}

}  // namespace

int main(int count, char** words) try {
  if (count == 6 && std::string(words[1]) == "all") {
    copy_all({words + 1, words + count});
    return 0;
  }
  bool const builds = count > 4 && std::string(words[1]) == "build";
  if (count < 8 && !builds) return 2;
  std::size_t brought = 0;
  std::size_t next = 0;
  oci::CopyOptions options;
  options.progress = [&](oci::CopyProgress const& at) {
    if (at.known || at.layer < next) return;
    next = at.layer + 1;
    ++brought;
  };
  auto const copied = run({words + 1, words + count}, options);
  std::cout << copied.config << ' ' << copied.manifest << ' ' << brought << '\n';
  return 0;
} catch (std::exception const& error) {
  std::cerr << error.what() << '\n';
  return 1;
}

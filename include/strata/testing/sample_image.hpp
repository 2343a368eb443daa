#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/sys/stream.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::testing {

/// All bytes of a source.
inline std::string read_all(Source in) {
  std::string out;
  for (auto part = in.next(); !part.empty(); part = in.next()) out += as_text(part);
  return out;
}

/// A small image with all its bytes, to be put into places and found in them.
struct SampleImage {
  std::string config = {};
  std::vector<std::string> layers = {};  ///< archives, not compressed
  oci::RawManifest manifest = {};

  oci::Manifest parsed() const { return oci::Manifest::parse(manifest.bytes, manifest.media_type); }
  /// A blob by its index: the configuration, then the layers.
  std::string const& bytes(std::size_t index) const { return index == 0 ? config : layers.at(index - 1); }
  std::vector<oci::Descriptor> blobs() const {
    auto const read = parsed();
    std::vector<oci::Descriptor> out{read.config()};
    out.insert(out.end(), read.layers().begin(), read.layers().end());
    return out;
  }
};

/// A layer with one file.
inline std::string sample_layer(std::string_view name, std::string content) {
  std::string out;
  auto sink = string_sink(out);
  archive::TarWriter tar(sink);
  auto const size = static_cast<std::int64_t>(content.size());
  Source body = memory_source(std::move(content));
  tar.add({.name = std::string(name), .mode = 0644, .size = size}, &body);
  tar.finish();
  return out;
}

/// @param name  the image's files and its label have it, so that images of different names share no layer
/// @param layer_bytes  size of the file in each layer
inline SampleImage sample_image(std::string const& name, std::size_t layers = 2,
                                oci::Format format = oci::Format::oci, std::size_t layer_bytes = 1000) {
  SampleImage out;
  oci::ImageConfigParts config{.platform = {.os = "linux", .architecture = "amd64"},
                               .config = {.cmd = {"/bin/true", "<&>"}, .labels = {{"name", name}}}};
  std::vector<oci::Descriptor> descriptors;
  for (std::size_t i = 0; i < layers; ++i) {
    auto const file = name + std::to_string(i);
    out.layers.push_back(sample_layer(file, file + std::string(layer_bytes, 'x')));
    auto const digest = Digest::of(as_bytes(out.layers.back()));
    config.diff_ids.push_back(digest);
    config.history.push_back({.created_by = "ADD " + file});
    descriptors.push_back({.media_type = std::string(*oci::layer_media_type(format, Compression::none)),
                           .digest = digest,
                           .size = out.layers.back().size()});
  }
  auto const made = oci::ImageConfig::make(config);
  out.config = made.bytes();
  auto const manifest =
      oci::Manifest::make({.config = made.descriptor(format), .layers = descriptors}, format);
  out.manifest = {.bytes = manifest.bytes(), .media_type = manifest.media_type()};
  return out;
}

}  // namespace strata::testing

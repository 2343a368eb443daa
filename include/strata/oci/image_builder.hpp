#pragma once

#include <strata/codec/all.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/build_time.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/platform.hpp>
#include <strata/separate.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::oci {

/// What an image that is made says, besides its layers.
struct NewImage {
  Platform platform = host_platform();
  std::string author = {};
  std::optional<Timestamp> created = {};  ///< unset: `build_time()`
  RunConfig config = {};
  std::map<std::string, std::string> annotations = {};  ///< of the manifest; in `Format::oci` only
  Format format = Format::oci;
};

/// Where layers are kept until they are copied, and what they may be.
struct ImageBuilderOptions {
  std::uint64_t plain_bytes = std::uint64_t{256} << 30U;  ///< limit on what a layer unpacks to
  fs::path scratch =
      {};  ///< directory of the unnamed files of layers from streams; empty: `$TMPDIR`, or /var/tmp
};

/// Makes an image of layers and what it says. It is a source, so that `copy_image` brings the image into a store, a layout,
/// an archive or a registry, with the layers as they were given unless they are compressed anew.
///
///     oci::ImageBuilder builder({.config = {.cmd = {"/tool"}}});
///     builder.add_layer("tool.tar.gz", {.created_by = "make tool"});
///     oci::copy_image(builder, images, {.name = "localhost/tool:1"});
///
/// Equal layers, words and time give equal bytes. Layers of an image that there is already go below as its source and plan
/// have them. Adding is not safe for concurrent use; the source is thread-safe.
class ImageBuilder {
 public:
  explicit ImageBuilder(NewImage image = {}, ImageBuilderOptions options = {});

  /// Adds a layer over those before it: an archive in a file, compressed or not, which must stay as it is until it was copied.
  /// @param step  its entry in the history; without a time it has the image's
  /// @throws `errno`, "open <path>"; `Errc::unsupported` for a compression that manifests have no media type for;
  ///   as `DecompressingReader`
  template <class Codecs = codec::All>
  void add_layer(fs::path const& file, HistoryEntry step = {}, Codecs const& = {}) {
    add_file(file, std::move(step), Unpacking::with<Codecs>());
  }

  /// The same from a stream, which is read to its end and kept in an unnamed file.
  template <class Codecs = codec::All>
  void add_layer(Source archive, HistoryEntry step = {}, Codecs const& = {}) {
    add_stream(std::move(archive), std::move(step), Unpacking::with<Codecs>());
  }

  /// Adds a layer that is known: nothing of it is read before it is copied.
  /// @param open  gives its bytes as they are stored; may be called from several threads at once
  void add_layer(PlannedLayer layer, std::function<Source()> open, HistoryEntry step = {});

  /// Adds an entry to the history that stands for no layer.
  void add_step(HistoryEntry step);

  ImageConfig image_config() const;
  /// @throws `Errc::unsupported` for annotations in Docker's format
  Manifest image_manifest() const;

  /// The manifest, by its digest or an empty reference. @throws `Errc::image_unknown` for another one
  RawManifest manifest(std::string_view reference) const;
  /// @throws `Errc::data_unknown`
  Source blob(Descriptor const& blob) const;
  /// The digest of the manifest.
  std::vector<std::string> references() const;

 private:
  struct Layer {
    PlannedLayer planned;
    std::function<Source()> open;
  };

  void add_file(fs::path const& file, HistoryEntry step, Unpacking unpacking);
  void add_stream(Source archive, HistoryEntry step, Unpacking unpacking);
  void add(std::function<Source()> open, HistoryEntry step, Unpacking unpacking);

  NewImage image_;
  ImageBuilderOptions options_;
  Timestamp created_;
  std::vector<Layer> layers_ = {};
  std::vector<HistoryEntry> history_ = {};
};

static_assert(ListedImageSource<ImageBuilder const>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/image_builder.ipp>
#endif

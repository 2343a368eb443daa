#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/oci/build_time.hpp>
#include <strata/oci/image_config.hpp>
#include <strata/oci/image_documents.hpp>
#include <strata/oci/image_plan.hpp>
#include <strata/oci/incoming_image.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/platform.hpp>
#include <strata/separate.hpp>
#include <strata/store/options.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace strata::oci {

/// What the new image says besides what the container's image said.
struct CommitImageOptions {
  std::string name = {};  ///< taken from the image that has it; empty: none
  std::string author = {};
  /// What the image says of itself; in `Format::docker` only, OCI's has no place for it.
  std::string message = {};
  std::string comment = {};  ///< of the entry in the history; empty: "FROM <name of the container's image>"
  /// Of the entry in the history: the command, usually; empty: the image's shell.
  std::string created_by = {};
  std::optional<Timestamp> created = {};        ///< unset: `$SOURCE_DATE_EPOCH`, or now
  std::function<void(RunConfig&)> change = {};  ///< edits how containers of the image run
  Format format = Format::oci;
  ImportLimits limits = {};
  std::stop_token stop = {};
};

namespace detail {

/// The configuration of the image over `base` with one more layer.
/// @param from  name of the image that `base` is of; empty: it has none
ImageConfig committed_config(std::optional<ImageConfig> const& base, std::string const& from,
                             Digest const& diff_id, CommitImageOptions const& options);

/// The name of the image that a container was made of: the one in the metadata that Podman gives containers, or one that the
/// image has; empty if there is none.
std::string image_name(std::string const& metadata, std::vector<std::string> const& names);

/// A manifest of layers that are not compressed. @param sizes  of the layers, the lowest first
Manifest manifest_of_plain_layers(ImageConfig const& config, std::vector<std::uint64_t> const& sizes,
                                  Format format);

}  // namespace detail

/// Makes an image of a container: its image's layers, and one more with what the container changed. The container stays as
/// it is; what it writes meanwhile may be in the layer or not.
///
///     auto image = oci::commit(store, box, {.name = "localhost/tool:2", .change = [](auto& run) { run.cmd = {"/tool"}; }});
///
/// As `podman commit` does it, the layers in the manifest are not compressed, and members of the configuration that the format
/// does not have are dropped: in OCI's Docker's `Healthcheck`, `OnBuild` and `Shell`. How the container itself was set up to
/// run is Podman's secret, so that the image says of that what the image below it says, and `change`. The image of the
/// container must have a manifest and a configuration; a container without an image becomes an image of one layer, for this
/// machine's platform.
/// @throws `Errc::unsupported` for a message in OCI's format; `Errc::image_unknown`, `Errc::data_unknown`,
///   `Errc::digest_mismatch` if the layers of the container's image are not those of its configuration; as `Item::diff` and
///   `Layers::import`. Nothing is then left
template <class Store>
typename Store::Image commit(Store const& store, typename Store::Container const& container,
                             CommitImageOptions const& options = {}) {
  if (options.format == Format::oci && !options.message.empty())
    throw Error(Errc::unsupported, "a message in an image of OCI's format");
  auto const base = container.image();
  auto const base_config = base ? std::optional(config_of(*base)) : std::nullopt;
  auto const below = base ? base->top_layer() : std::nullopt;
  std::vector<std::uint64_t> sizes;
  if (base)
    for (auto const& layer : layers_of(*base, base_config->diff_ids()))
      sizes.push_back(static_cast<std::uint64_t>(layer.record().diff_size));
  auto staged = store.layers().stage({.parent = below ? Ref(*below) : Ref(""), .stop = options.stop});
  staged.fill(container.diff_source({.compression = Compression::none, .stop = options.stop}),
              {.limits = options.limits, .progress = {}, .stop = options.stop});
  auto const diff_id = Digest::parse(staged.record().diff_digest);
  sizes.push_back(static_cast<std::uint64_t>(staged.record().diff_size));

  auto const from = base ? detail::image_name(container.metadata(), base->names()) : std::string();
  auto config = detail::committed_config(base_config, from, diff_id, options);
  auto manifest = detail::manifest_of_plain_layers(config, sizes, options.format);
  auto plan = detail::plan(std::move(manifest), std::move(config), std::nullopt);
  auto image = below ? IncomingImage<Store>(store, std::move(plan), *below, sizes.size() - 1)
                     : IncomingImage<Store>(store, std::move(plan));
  image.put_layer(std::move(staged));
  return image.finish(options.name);
}

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/commit.ipp>
#endif

#pragma once

#include <strata/archive/tar_split.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/stream/pipeline.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/stream.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Changes of a layer as a list, a size or a tar. No lock is held while bytes move.
namespace strata {
namespace detail {

/// The two layers of a comparison.
template <class Core>
struct Comparison {
  typename Core::template FoundRow<typename Core::LayerTraits> layer;
  ReadOnlyLayers<Core> foreign;
  std::optional<LayerId> against;
  bool with_parent = false;  ///< `against` is the recorded parent, or there is none
  DiffMaps maps = {};

  DiffRequest request(LayerId const& id, Control control = {}) const {
    return {.layer = id, .parent = against, .maps = maps, .control = std::move(control)};
  }
};

/// @param writer  maps of the container that writes to the layer through shifted mounts; else empty
template <class Core>
Comparison<Core> comparison(Core& core, LayerId const& id, Ref const& against, IdMaps const& writer) {
  auto const layers = core.template read_view<typename Core::LayerTraits>();
  Comparison<Core> out{.layer = layers.get(id), .foreign = {}, .against = {}, .with_parent = true};
  out.foreign = ReadOnlyLayers<Core>(layers, out.layer);
  if (!out.layer->parent.empty()) out.against = LayerId(out.layer->parent);
  if (auto const other = against.empty() ? decltype(out.layer){} : layers.find(against)) {
    out.against = LayerId(other->id);
    out.with_parent = other->id == out.layer->parent;
  } else if (!against.empty() && !out.against) {
    throw Error(Errc::layer_unknown, "layer \"" + against.text() + '"').about(Subject::layer, against.text());
  }
  out.maps.newer = maps_of(*out.layer);
  // What a container adds has its host ids; only what is below is shifted.
  if (out.maps.newer.empty()) out.maps.newer = writer;
  if (auto const other = out.against ? layers.by_id(out.against->str()) : decltype(out.layer){})
    out.maps.older = maps_of(*other);
  return out;
}

template <class Core>
void write_layer(Core& core, LayerId const& id, Comparison<Core> const& pair, Sink to,
                 DiffOptions const& options) {
  Control const control{.progress = options.progress, .stop = options.stop};
  auto const compression = options.compression.value_or(static_cast<Compression>(pair.layer->compression));
  static_assert(
      requires { sizeof(typename Core::Codecs); },
      "exporting needs the store's codecs: include strata/codec/all.hpp, or those that its traits list");
  archive::CompressingWriter outlet(std::move(to), compression, typename Core::Codecs{});
  if (auto const recorded = core.tar_split(pair.layer.place->directory, pair.layer->id);
      pair.with_parent && sys::is_present(recorded)) {
    Source split = stored_source(recorded);
    auto const copy_file = [&](std::string_view name, Writer& out) {
      try {
        core.driver().copy_file(id, name, out);
      } catch (Error const& error) {
        if (error.code() != Errc::data_unknown) throw;
        throw Error(Errc::corrupt_tar_split,
                    "layer \"" + id.str() + "\", file \"" + std::string(name) + "\" is missing")
            .about(Subject::layer, id.str());
      }
    };
    archive::assemble(split, copy_file, outlet, control);
  } else if constexpr (DiffDriver<typename Core::Driver>) {
    archive::TarWriter tar(outlet);
    core.driver().diff(pair.request(id, control), tar);
    tar.finish();
  } else {
    throw Error(Errc::unsupported, "comparing layers with driver " + std::string(core.driver().name()));
  }
  outlet.finish();
}

}  // namespace detail

/// Changes of a layer against another, or against its parent; see `Item::changes`. Reads as many files as the
/// driver needs to.
/// @param writer  maps of a container whose layer it is; they say what its files' owners are where the driver
///   shifts mounts
/// @throws `Errc::layer_unknown`, `Errc::store_changed`, and what the driver throws
template <class Core>
std::vector<Change> layer_changes(Core& core, LayerId const& id, Ref const& against,
                                  IdMaps const& writer = {}) requires DiffDriver<typename Core::Driver> {
  auto const pair = detail::comparison(core, id, against, writer);
  return pair.foreign.explain([&] { return core.driver().changes(pair.request(id)); });
}

/// Total size in bytes of the files that are new or changed. As `layer_changes`.
template <class Core>
std::int64_t layer_diff_size(Core& core, LayerId const& id, Ref const& against,
                             IdMaps const& writer = {}) requires DiffDriver<typename Core::Driver> {
  auto const pair = detail::comparison(core, id, against, writer);
  return pair.foreign.explain([&] { return core.driver().diff_size(pair.request(id)); });
}

/// Writes a layer's changes as a tar.
///
/// Against its parent, an imported layer is reproduced byte for byte, and the CRC-64 of each file is checked
/// on the way. Otherwise the tar is made from the files. After an exception the output so far is unusable.
/// @throws `Errc::file_changed` if a file is not what was imported; `Errc::corrupt_tar_split` if the
///   tar-split is damaged or names a missing file; `Errc::unsupported_compression`; `Errc::store_changed` if
///   the layer, or one below it, is in a read-only store that changed meanwhile
template <class Core>
void export_layer(Core& core, LayerId const& id, Sink to, DiffOptions const& options,
                  IdMaps const& writer = {}) {
  auto const pair = detail::comparison(core, id, options.against, writer);
  pair.foreign.explain([&] { detail::write_layer(core, id, pair, std::move(to), options); });
  pair.foreign.check();
}

}  // namespace strata

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/store/additional_layer.hpp>
#include <strata/store/collection.hpp>
#include <strata/store/options.hpp>
#include <strata/store/staged_layer.hpp>

#include <optional>
#include <string_view>

namespace strata {

/// The layers of a store. Thread-safe.
template <class Core>
class Layers : public Collection<Core, typename Core::LayerTraits> {
  using Traits = typename Core::LayerTraits;
  using Base = Collection<Core, Traits>;
  using Base::core_;

 public:
  using Base::Base;
  using typename Base::Item;

  /// Creates a layer: empty, or with the contents of its parent. On failure nothing of it remains.
  /// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, `Errc::layer_unknown` (parent),
  ///   `Errc::parent_is_container`, `Errc::invalid_mappings`, `Errc::stopped`
  Item create(LayerOptions const& options = {});

  /// Creates a layer from a tar stream, plain or in a compression that the store's codecs can read.
  ///
  /// Keeps a tar-split, from which `Item::diff` reproduces the stream byte for byte. No lock is held while
  /// the stream is read. On failure or stop nothing of the layer remains.
  /// @throws as `create`; `Errc::corrupt_archive`, `Errc::over_budget`, `Errc::unsafe_path`,
  ///   `Errc::digest_mismatch`, `Errc::unsupported_compression`, and what the source throws
  /// @code
  /// auto layer = store.layers().import(strata::file_source("debian.tar.zst"), {.names = {"base"}});
  /// @endcode
  Item import(Source source, ImportOptions const& options = {});

  /// The same from a file.
  ///
  ///     store.layers().import("debian.tar.zst", {.names = {"base"}});
  ///
  /// @throws also `errno`, "open <path>"
  Item import(fs::path const& file, ImportOptions const& options = {});

  /// A layer that another program shows unpacked in one of the driver's additional layer stores; none if no store has it.
  /// @param digest     of the layer's table of contents, or of the layer: the other program decides
  /// @param reference  of the image that it is pulled with; for stores that want one
  /// @throws the codes of `Digest::parse`
  [[nodiscard]] std::optional<AdditionalLayer<Core>> find_additional(
      std::string_view digest,
      std::string_view reference = {}) const requires LayerStoreDriver<typename Core::Driver>;

  /// Starts a layer that the caller fills without holding a lock, and publishes when complete.
  /// @throws `Errc::layer_unknown` (parent), `Errc::parent_is_container`
  /// @code
  /// auto staged = store.layers().stage({.parent = "base"});
  /// strata::pull_chunked(staged, std::move(ranges), {.annotations = annotations});
  /// auto layer = staged.commit({.names = {"top"}});
  /// @endcode
  [[nodiscard]] StagedLayer<Core> stage(StageOptions const& options = {}) { return {core_, options}; }

  /// Unmounts and removes a layer that nothing refers to.
  /// @throws `Errc::layer_has_children`, `Errc::layer_used_by_image`, `Errc::layer_used_by_container`, each
  ///   with the id of the referrer; `Errc::layer_unknown`, `Errc::store_read_only`
  void remove(Ref const& ref, RemoveLayerOptions const& options = {});
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/layers.hpp>
#endif

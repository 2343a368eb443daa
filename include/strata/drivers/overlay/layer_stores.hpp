#pragma once

#include <strata/archive/base64.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/additional_tree.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// A directory in which another program provides unpacked layers: `<path>/[<base64 of the image's
/// reference>/]<digest>/`.
struct LayerStore {
  fs::path path;
  bool with_reference = false;

  /// Parses "<path>[:ref]", where the path is absolute and an existing directory.
  /// @throws `Errc::driver_option`; its subject is the whole message
  static LayerStore parse(std::string_view text);

  /// @param digest     a valid digest: of the table of contents (since 1.52) or of the layer
  /// @param reference  reference of the image with which the layer is pulled
  fs::path place_of(std::string_view digest, std::string_view reference) const;
};

/// Finds the layer in the first store that has it.
std::optional<AdditionalTree> find_additional(std::vector<LayerStore> const& stores, std::string_view digest,
                                              std::string_view reference);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/layer_stores.ipp>
#endif

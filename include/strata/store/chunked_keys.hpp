#pragma once

#include <string_view>

namespace strata {

/// Keys of the big data that containers/storage keeps with a layer from a zstd:chunked stream (pkg/chunked): the stream's
/// table of contents, and how the layer's files are laid out.
inline constexpr std::string_view chunked_manifest_key = "zstd-chunked-manifest";
inline constexpr std::string_view chunked_layer_data_key = "zstd-chunked-layer-data";

}  // namespace strata

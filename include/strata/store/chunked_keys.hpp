#pragma once

#include <string_view>

namespace strata {

/// Keys of the big data that containers/storage stores with a layer from a zstd:chunked stream (pkg/chunked):
/// the stream's table of contents, and the layout of the layer's files.
inline constexpr std::string_view chunked_manifest_key = "zstd-chunked-manifest";
inline constexpr std::string_view chunked_layer_data_key = "zstd-chunked-layer-data";

}  // namespace strata

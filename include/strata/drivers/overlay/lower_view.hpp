#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/tree/lower_view.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// What the whiteouts of a layer can hide. Unknown if a layer below is a composefs image, or is missing.
/// @param dirs    copied; read at first use
/// @param parent  id of the layer's parent, if it has one
std::shared_ptr<archive::LowerView const> lower_view(LayerDirs const& dirs,
                                                     std::optional<std::string> parent);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/lower_view.ipp>
#endif

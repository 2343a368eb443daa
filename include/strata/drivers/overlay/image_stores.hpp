#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// The options with the store's own image stores before those of the driver, each once.
/// @throws `Errc::driver_option`
Options with_stores(Options options, DriverPlace const& place);

/// Homes of a driver in the image stores.
std::vector<fs::path> homes_in_stores(Options const& options, std::string_view driver);

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/image_stores.ipp>
#endif

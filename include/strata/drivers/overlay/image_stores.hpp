#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/fs.hpp>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// The options with the store's own image stores before those of the driver, each once.
/// @throws `Errc::driver_option`
inline Options with_stores(Options options, DriverPlace const& place) {
  auto const own = std::exchange(options.image_stores, {});
  for (auto const& store : place.image_stores) detail::add_image_store(options, store.native());
  for (auto const& store : own)
    if (std::ranges::find(options.image_stores, store) == options.image_stores.end())
      options.image_stores.push_back(store);
  return options;
}

/// Homes of a driver in the image stores.
inline std::vector<fs::path> homes_in_stores(Options const& options, std::string_view driver) {
  std::vector<fs::path> homes;
  for (auto const& store : options.image_stores) homes.push_back(store / driver);
  return homes;
}

}  // namespace strata::drivers::overlay

#pragma once

#include <strata/drivers/overlay/image_stores.hpp>

#include <algorithm>

namespace strata::drivers::overlay {

STRATA_INLINE Options with_stores(Options options, DriverPlace const& place) {
  auto const own = std::exchange(options.image_stores, {});
  for (auto const& store : place.image_stores) detail::add_image_store(options, store.native());
  for (auto const& store : own)
    if (std::ranges::find(options.image_stores, store) == options.image_stores.end())
      options.image_stores.push_back(store);
  return options;
}

STRATA_INLINE std::vector<fs::path> homes_in_stores(Options const& options, std::string_view driver) {
  std::vector<fs::path> homes;
  for (auto const& store : options.image_stores) homes.push_back(store / driver);
  return homes;
}

}  // namespace strata::drivers::overlay

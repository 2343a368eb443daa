#pragma once

#include <strata/drivers/any.hpp>

#include <algorithm>

namespace strata::drivers::detail {

STRATA_INLINE std::vector<std::string_view> existing_homes(fs::path const& graph_root) {
  std::vector<std::string_view> found;
  for (auto const name : known_drivers) {
    boost::system::error_code error;
    if (fs::is_directory(graph_root / name, error)) found.push_back(name);
  }
  return found;
}

STRATA_INLINE Error not_here(std::string const& name, fs::path const& graph_root) {
  if (name == "aufs") return Error(Errc::driver_unknown, "kernel does not support aufs");
  if (name == "zfs") return Error(Errc::driver_unusable, "the 'zfs' command is not available");
  return Error(Errc::driver_unknown, "failed to GetDriver graph " + name + ' ' + graph_root.native());
}

STRATA_INLINE std::optional<std::string> prior_home(fs::path const& graph_root,
                                                    std::vector<std::string> const& order,
                                                    bool order_was_given) {
  auto const homes = existing_homes(graph_root);
  for (auto const& name : order) {
    if (name == "vfs" && !order_was_given) continue;
    if (std::find(homes.begin(), homes.end(), name) == homes.end()) continue;
    if (homes.size() == 1) return name;
    std::string text = graph_root.native() + " contains several valid graphdrivers: ";
    for (auto const home : homes) text.append(home == homes.front() ? "" : ", ").append(home);
    throw Error(Errc::several_drivers,
                text + "; Please cleanup or explicitly choose storage driver (-s <DRIVER>)");
  }
  return std::nullopt;
}

}  // namespace strata::drivers::detail

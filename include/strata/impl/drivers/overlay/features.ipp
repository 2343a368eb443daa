#pragma once

#include <strata/drivers/overlay/features.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE Answer Features::overlay() const {
  return find("overlay", [&] { return probe_overlay(places_.temp_dirs); });
}

STRATA_INLINE bool Features::metacopy() const {
  return find("metacopy(" + mountopt_ + ")", [&] { return probe_metacopy(places_.temp_dirs, configured()); })
      .works;
}

STRATA_INLINE bool Features::native_diff() const {
  auto const name = "native-diff(" + mountopt_ + ")";
  if (places_.read_only && !cache_.find(name)) return true;
  return find(name, [&] { return probe_native_diff(places_.temp_dirs, usable()); }).works;
}

STRATA_INLINE bool Features::volatile_mounts() const {
  return find("volatile", [&] { return probe_volatile(places_.temp_dirs); }).works;
}

STRATA_INLINE bool Features::idmapped_lower() const {
  return find("idmapped-lower-dir", [&] { return probe_idmapped_lower(places_.temp_dirs); }).works;
}

STRATA_INLINE std::vector<std::string> Features::usable() const {
  auto options = configured();
  if (!metacopy()) std::erase(options, "metacopy=on");
  return options;
}

}  // namespace strata::drivers::overlay

#pragma once

#include <strata/drivers/overlay/options.hpp>
#include <strata/drivers/overlay/probe.hpp>

#include <filesystem>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Where it is known what overlayfs can do, and where it is tried out.
struct FeaturePlaces {
  std::filesystem::path known;      ///< in the run root, as containers/storage has it
  std::filesystem::path temp_dirs;  ///< on the file system of the layers
  bool read_only = false;           ///< try nothing out: what nobody has found yet is missing
};

/// What overlayfs can do here. Each answer is found once, by whoever asks first, and holds until the next reboot; asking
/// again costs one or two calls of the kernel. Calls may run on many threads.
class Features {
 public:
  /// @param mountopt  comma list given to every mount, of which some answers depend
  Features(FeaturePlaces places, std::string mountopt)
      : places_(std::move(places)), mountopt_(std::move(mountopt)), cache_(places_.known) {}

  /// Does it work at all? A no is not remembered: a lack of privileges is not for ever.
  Answer overlay() const {
    return find("overlay", [&] { return probe_overlay(places_.temp_dirs); });
  }
  bool metacopy() const {
    return find("metacopy(" + mountopt_ + ")",
                [&] { return probe_metacopy(places_.temp_dirs, configured()); })
        .works;
  }
  /// Of a store that is only read: yes, unless somebody has found otherwise.
  bool native_diff() const {
    auto const name = "native-diff(" + mountopt_ + ")";
    if (places_.read_only && !cache_.find(name)) return true;
    return find(name, [&] { return probe_native_diff(places_.temp_dirs, usable()); }).works;
  }
  bool volatile_mounts() const {
    return find("volatile", [&] { return probe_volatile(places_.temp_dirs); }).works;
  }
  /// May layers below be shown with other owners?
  bool idmapped_lower() const {
    return find("idmapped-lower-dir", [&] { return probe_idmapped_lower(places_.temp_dirs); }).works;
  }

  /// The options that every mount is given.
  std::vector<std::string> configured() const { return split(mountopt_, ','); }

 private:
  /// What is known, else what `probe` finds, which is then known.
  template <class Probe>
  Answer find(std::string const& name, Probe&& probe) const {
    if (auto known = cache_.find(name)) return *std::move(known);
    if (places_.read_only) return {};
    auto finding = probe();
    ::rmdir(places_.temp_dirs.c_str());  // unless others use it
    if (finding.works || name != "overlay") cache_.put(name, finding);
    return finding;
  }

  /// Without what the kernel was seen not to do; it refuses that in a user namespace.
  std::vector<std::string> usable() const {
    auto options = configured();
    if (!metacopy()) std::erase(options, "metacopy=on");
    return options;
  }

  FeaturePlaces places_;
  std::string mountopt_;
  FeatureCache cache_;
};

}  // namespace strata::drivers::overlay

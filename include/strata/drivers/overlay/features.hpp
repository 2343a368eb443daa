#pragma once

#include <strata/drivers/overlay/options.hpp>
#include <strata/drivers/overlay/probe.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Where features of overlayfs are recorded, and where they are probed.
struct FeaturePlaces {
  fs::path known;          ///< in the run root, as in containers/storage
  fs::path temp_dirs;      ///< on the file system of the layers
  bool read_only = false;  ///< do not probe: unknown features count as missing
};

/// Features of overlayfs on this host. Each is probed at the first request by any process, and recorded until
/// the next reboot; further requests cost one or two system calls. Thread-safe.
class Features {
 public:
  /// @param mountopt  comma-separated options of every mount, on which some answers depend
  Features(FeaturePlaces places, std::string mountopt)
      : places_(std::move(places)), mountopt_(std::move(mountopt)), cache_(places_.known) {}

  /// True if overlay mounts work at all. A failure is not recorded: the caller may gain privileges.
  Answer overlay() const;
  bool metacopy() const;
  /// For a read-only store true, unless recorded otherwise.
  bool native_diff() const;
  bool volatile_mounts() const;
  /// True if layers below can be mounted with other owners.
  bool idmapped_lower() const;

  /// Configured options of every mount.
  std::vector<std::string> configured() const { return split(mountopt_, ','); }

 private:
  /// The recorded answer, else the result of `probe`, which is then recorded.
  template <class Probe>
  Answer find(std::string const& name, Probe&& probe) const {
    if (auto known = cache_.find(name)) return *std::move(known);
    if (places_.read_only) return {};
    auto finding = probe();
    ::rmdir(places_.temp_dirs.c_str());  // fails if others use it
    if (finding.works || name != "overlay") cache_.put(name, finding);
    return finding;
  }

  /// The configured options without `metacopy` if the kernel does not support it; in a user namespace it
  /// rejects it.
  std::vector<std::string> usable() const;

  FeaturePlaces places_;
  std::string mountopt_;
  FeatureCache cache_;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/features.ipp>
#endif

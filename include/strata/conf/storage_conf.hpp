#pragma once

#include <strata/idmap/range.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace strata::conf {

/// How to open a store: what storage.conf and the environment come to.
struct StorageConf {
  std::string run_root = {};
  std::string graph_root = {};
  std::string image_store = {};            ///< empty: images are in the graph root
  std::string rootless_storage_path = {};  ///< as configured; `graph_root` has taken it into account
  std::string driver = {};                 ///< empty: found out when the store is opened
  std::vector<std::string> driver_priority = {};
  /// "<driver>.<key>=<value>", each key once; without a driver's name in front of the dot if no driver is configured.
  std::vector<std::string> driver_options = {};
  IdMaps default_maps = {};           ///< of new layers that have no parent; empty: the host's ids
  std::string auto_userns_user = {};  ///< whose subordinate ids automatic user namespaces come from
  std::uint32_t auto_userns_min_size = 0;
  std::uint32_t auto_userns_max_size = 0;
  std::optional<std::map<std::string, std::string>> pull_options = {};  ///< kept for programs that pull
  bool disable_volatile = false;
  bool transient_store = false;

  std::vector<std::filesystem::path> files = {};  ///< that were read, in order
  std::vector<std::string> warnings = {};         ///< for the user; in the words of containers/storage
};

}  // namespace strata::conf

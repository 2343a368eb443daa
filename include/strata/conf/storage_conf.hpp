#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace strata::conf {

/// How to open a store: the combined result of storage.conf and the environment.
struct StorageConf {
  std::string run_root = {};
  std::string graph_root = {};
  std::string image_store = {};            ///< empty: images are kept in the graph root
  std::string rootless_storage_path = {};  ///< as configured; already applied to `graph_root`
  std::string driver = {};                 ///< empty: detected when the store is opened
  std::vector<std::string> driver_priority = {};
  /// "<driver>.<key>=<value>", each key once; without the driver's name if no driver is configured.
  std::vector<std::string> driver_options = {};
  IdMaps default_maps = {};           ///< for new layers without a parent; empty: host ids
  std::string auto_userns_user = {};  ///< whose subordinate ids automatic user namespaces come from
  std::uint32_t auto_userns_min_size = 0;
  std::uint32_t auto_userns_max_size = 0;
  std::optional<std::map<std::string, std::string>> pull_options = {};  ///< for programs that pull
  bool disable_volatile = false;
  bool transient_store = false;

  std::vector<fs::path> files = {};        ///< files read, in order
  std::vector<std::string> warnings = {};  ///< for the user, worded as in containers/storage
};

}  // namespace strata::conf

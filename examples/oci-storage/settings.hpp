#pragma once

#include <strata/conf/storage_conf.hpp>
#include <strata/idmap/range.hpp>

#include "options.hpp"
#include <exception>
#include <map>
#include <string>
#include <vector>

namespace oci_storage {

/// Where the store is and how it is opened: the configuration, the environment and the global options put together.
struct StoreSettings {
  std::string graph_root = {};
  std::string run_root = {};
  std::string image_store = {};  ///< empty: images are in the graph root
  bool transient = false;
  std::string driver = {};  ///< empty: the store finds out
  std::vector<std::string> driver_priority = {};
  std::vector<std::string> driver_options = {};
  bool disable_volatile = false;
  strata::IdMaps default_maps = {};  ///< of layers without a parent
  std::map<std::string, std::string> pull_options = {};
  bool flush = true;  ///< `--durability full`
  bool debug = false;
  bool unshare = false;  ///< work in a user namespace of one's own

  strata::conf::StorageConf configured = {};    ///< without the options of the command line
  std::exception_ptr configuration_error = {};  ///< why there is none, for when the store is opened
  std::vector<std::string> warnings = {};       ///< to be shown before it is
};

/// @param before  options before the command. If they name a root, then of the configuration only the other root is used.
/// @param after   options after it; they are laid over the others
/// @throws OptionError
StoreSettings settings(Options const& before, Options const& after);

/// The text of `config`: how a store is opened if no options say otherwise, or as the file `path` has it.
/// @throws strata::Error
std::string configuration_json(StoreSettings const& now);
std::string configuration_json(std::string const& path);

}  // namespace oci_storage

#pragma once

#include <strata/conf/host.hpp>
#include <strata/conf/roots.hpp>
#include <strata/conf/search.hpp>
#include <strata/conf/storage_conf.hpp>
#include <strata/conf/toml.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/idmap/map_text.hpp>
#include <strata/idmap/range.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::conf {

namespace detail {

/// Settings of one or more files, before they are combined. Sources: containers-storage.conf(5), and the
/// structures that containers/storage decodes into (storage/pkg/config of release 1.63).
struct FileSettings {
  std::string driver, run_root, graph_root, image_store, rootless_storage_path;
  List driver_priority;
  bool transient_store = false, disable_volatile = false;
  List image_stores, layer_stores;
  std::uint32_t force_mask = 0;
  IdMaps default_maps;
  std::string userns_user;
  std::uint32_t userns_min_size = 0, userns_max_size = 0;
  std::optional<std::map<std::string, std::string>> pull_options;
  std::map<std::string, std::string> common;  ///< driver-independent options, from [storage.options]
  std::map<std::string, std::map<std::string, std::string>> of_driver;  ///< from [storage.options.<driver>]
};

/// In the order in which containers/storage passes them on.
inline constexpr std::array<std::string_view, 5> common_options{"size", "mount_program", "skip_mount_home",
                                                                "ignore_chown_errors", "mountopt"};
struct DriverTable {
  std::string_view driver;
  std::array<std::string_view, 9> keys;  // padded with empty strings
};
inline constexpr std::array driver_tables{
    DriverTable{"btrfs", {"min_space", "size"}},
    DriverTable{"overlay",
                {"ignore_chown_errors", "mount_program", "mountopt", "size", "inodes", "skip_mount_home",
                 "force_mask", "use_composefs", "sync"}},
    DriverTable{"vfs", {"ignore_chown_errors", "sync"}},
    DriverTable{"zfs", {"fsname", "mountopt", "size"}},
};

/// Applies a file on top of those read before.
/// @return  its unknown keys
inline std::vector<std::string> read_into(FileSettings& settings, TomlFile const& file) {
  TableReader top(file);
  auto const text = [](TableReader& reader, std::string_view key, std::map<std::string, std::string>& to) {
    std::string value;
    reader.value(key, value);
    if (!value.empty()) to[std::string(key)] = value;
  };
  top.table("storage", [&](TableReader& storage) {
    storage.value("driver", settings.driver);
    storage.value("driver_priority", settings.driver_priority);
    storage.value("runroot", settings.run_root);
    storage.value("graphroot", settings.graph_root);
    storage.value("imagestore", settings.image_store);
    storage.value("rootless_storage_path", settings.rootless_storage_path);
    storage.value("transient_store", settings.transient_store);
    storage.table("options", [&](TableReader& options) {
      options.value("additionalimagestores", settings.image_stores);
      options.value("additionallayerstores", settings.layer_stores);
      for (auto const key : common_options) text(options, key, settings.common);
      options.value("force_mask", settings.force_mask);
      // From releases before 1.59, like remap-user and remap-group, which have no effect there: the values of
      // remap-uids and remap-gids replace theirs, even when empty.
      options.value("remap-uids", settings.default_maps.uids);
      options.value("remap-gids", settings.default_maps.gids);
      options.value("root-auto-userns-user", settings.userns_user);
      options.value("auto-userns-min-size", settings.userns_min_size);
      options.value("auto-userns-max-size", settings.userns_max_size);
      options.value("disable-volatile", settings.disable_volatile);
      options.value("pull_options", settings.pull_options);
      for (auto const& table : driver_tables)
        options.table(table.driver, [&](TableReader& reader) {
          for (auto const key : table.keys)
            if (!key.empty()) text(reader, key, settings.of_driver[std::string(table.driver)]);
        });
      // Accepted without effect: only [storage]'s imagestore counts, use_composefs belongs to overlay's
      // table, and the other drivers are gone.
      for (auto const* key : {"imagestore", "use_composefs", "strip_suid_sgid", "aufs", "thinpool"})
        options.ignore(key);
    });
  });
  return top.unknown_keys();
}

/// Options for the named driver; for all drivers if it is not known yet.
inline std::vector<std::string> driver_options(FileSettings const& settings, std::string const& driver) {
  std::vector<std::string> out;
  auto const own = settings.of_driver.find(driver);
  auto const add = [&](std::string const& key, std::string const& value) {
    if (own == settings.of_driver.end() || !own->second.contains(key))
      out.push_back(driver + '.' + key + '=' + value);
  };
  for (auto const& path : settings.image_stores.values) add("imagestore", path);
  for (auto const& path : settings.layer_stores.values) add("additionallayerstore", path);
  for (auto const key : common_options) {
    if (key == "mountopt" && settings.force_mask != 0) {
      char octal[16];
      std::snprintf(octal, sizeof octal, "%o", settings.force_mask);
      add("force_mask", octal);
    }
    auto const value = settings.common.find(std::string(key));
    if (value != settings.common.end()) add(value->first, value->second);
  }
  for (auto const& table : driver_tables) {
    auto const values = settings.of_driver.find(std::string(table.driver));
    if (values == settings.of_driver.end() || (!driver.empty() && table.driver != driver)) continue;
    for (auto const key : table.keys)
      if (auto const value = values->second.find(std::string(key)); value != values->second.end())
        out.push_back(values->first + '.' + value->first + '=' + value->second);
  }
  return out;
}

inline std::string list_of_quoted(std::vector<std::string> const& words) {
  std::string out;
  for (auto const& word : words) {
    out += out.empty() ? "[\"" : " \"";
    for (char const c : word) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + ']';
}

inline StorageConf read_files(std::vector<ConfigFile> const& files, Host const& host) {
  StorageConf conf;
  FileSettings settings;
  fs::path main;
  for (auto const& file : files) {
    auto next = settings;
    auto const unknown = read_into(next, TomlFile(file.path));
    // The storage.conf that Debian and older packages ship sets root's directories; no release before 1.63
    // used those for other users.
    if (file.role == FileRole::system && host.own_store())
      next.graph_root = settings.graph_root, next.run_root = settings.run_root;
    settings = std::move(next);
    conf.files.push_back(file.path);
    if (file.role != FileRole::drop_in && main.empty()) main = file.path;
    if (!unknown.empty())
      conf.warnings.push_back("Failed to decode the keys " + list_of_quoted(unknown) + " from \"" +
                              file.path.native() + '"');
  }
  conf.driver = settings.driver;
  if (auto const driver = host.variable("STORAGE_DRIVER"); !driver.empty()) conf.driver = driver;
  if (conf.driver == "overlay2") {
    conf.warnings.emplace_back("Switching default driver from overlay2 to the equivalent overlay driver");
    conf.driver = "overlay";
  }
  conf.driver_priority = settings.driver_priority.values;
  if (conf.driver.empty() && conf.driver_priority.empty() && !main.empty())
    conf.warnings.push_back("The storage 'driver' option should be set in " + main.native() +
                            ". A driver was picked automatically.");
  conf.run_root = settings.run_root;
  conf.graph_root = settings.graph_root;
  conf.image_store = settings.image_store;
  conf.rootless_storage_path = settings.rootless_storage_path;
  conf.default_maps = settings.default_maps;
  conf.auto_userns_user = settings.userns_user;
  conf.auto_userns_min_size = settings.userns_min_size;
  conf.auto_userns_max_size = settings.userns_max_size;
  conf.pull_options = settings.pull_options;
  conf.disable_volatile = settings.disable_volatile;
  conf.transient_store = settings.transient_store;
  conf.driver_options = driver_options(settings, conf.driver);
  if (auto const given = host.environment ? host.environment("STORAGE_OPTS") : std::nullopt) {
    conf.driver_options.clear();
    for (std::size_t begin = 0; begin <= given->size() && !given->empty();) {
      auto const end = std::min(given->find(',', begin), given->size());
      conf.driver_options.push_back(given->substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return conf;
}

}  // namespace detail

/// Reads one file and the environment, without searching for files, default roots or expansion of variables.
/// @throws `errno`, "stat <path>"; `Errc::configuration`; `Errc::over_budget`
inline StorageConf read_storage_conf(fs::path const& path, Host const& host) {
  if (!detail::file_exists(path)) sys::throw_errno("stat", path);
  return detail::read_files({{path, FileRole::named}}, host);
}

/// Reads the configuration of this host and user: all files of `find_files`, the environment, and default
/// roots.
///
/// Follows release 1.63 with one exception: an ordinary user's roots are not taken from the system's
/// storage.conf, but may come from its drop-ins.
/// @throws `errno`; `Errc::over_budget`; `Errc::configuration`, whose subject is the complete message with file, line and key
/// @code
/// auto const conf = strata::conf::load_storage_conf(strata::conf::Host::current());
/// @endcode
inline StorageConf load_storage_conf(Host const& host) {
  auto conf = detail::read_files(find_files(host), host);
  auto const defaults = default_roots(host);
  conf.run_root = conf.run_root.empty() ? defaults.run_root : expand_path(conf.run_root, host);
  if (!conf.rootless_storage_path.empty())
    conf.rootless_storage_path = expand_path(conf.rootless_storage_path, host);
  if (!conf.graph_root.empty())
    conf.graph_root = expand_path(conf.graph_root, host);
  else if (host.own_store() && !conf.rootless_storage_path.empty())
    conf.graph_root = conf.rootless_storage_path;
  else
    conf.graph_root = defaults.graph_root;
  if (!conf.image_store.empty() && conf.image_store == conf.graph_root)
    throw Error(Errc::configuration, "imagestore " + conf.image_store +
                                         " must either be not set or be a different than graphroot");
  return conf;
}

}  // namespace strata::conf

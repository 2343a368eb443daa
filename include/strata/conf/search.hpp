#pragma once

#include <strata/conf/host.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

#include <cerrno>
#include <map>
#include <string>
#include <sys/stat.h>
#include <system_error>
#include <vector>

namespace strata::conf {

/// Role of a configuration file.
enum class FileRole {
  named,    ///< named by CONTAINERS_STORAGE_CONF or CONTAINERS_STORAGE_CONF_OVERRIDE
  user,     ///< the user's storage.conf
  system,   ///< the system's storage.conf
  drop_in,  ///< in a storage.conf.d
};

/// A configuration file and its role.
struct ConfigFile {
  fs::path path;
  FileRole role;
};

namespace detail {

/// @throws `errno`, "stat <path>", unless the file is missing
inline bool file_exists(fs::path const& path) {
  auto const status = sys::find_status(path, 0);
  if (status.code() != 0 && status.code() != ENOENT && status.code() != ENOTDIR) status.raise();
  return static_cast<bool>(status);
}

/// Names of the regular files "*.conf" in a directory; none if it is missing.
inline std::vector<std::string> conf_names(fs::path const& directory) {
  std::vector<std::string> names;
  boost::system::error_code error;
  fs::directory_iterator entries(directory, error);
  if (error) {
    if (error == boost::system::errc::no_such_file_or_directory ||
        error == boost::system::errc::not_a_directory)
      return names;
    throw Error(error, "open " + directory.native());
  }
  for (auto const& entry : entries)
    if (entry.path().native().ends_with(".conf") && entry.symlink_status().type() == fs::regular_file)
      names.push_back(entry.path().filename().native());
  return names;
}

}  // namespace detail

/// Configuration files in the order in which they are applied, by the rules of release 1.63.
///
/// First the storage.conf found first in `$XDG_CONFIG_HOME/containers` (`$HOME/.config/containers`),
/// `/etc/containers` and `/usr/share/containers`; then the drop-ins of all three by file name, where a name
/// in an earlier directory hides the same name in a later one. `CONTAINERS_STORAGE_CONF` replaces them all by
/// one file; `CONTAINERS_STORAGE_CONF_OVERRIDE` names one that is applied last.
/// @throws `errno`, "stat <path>" if a file named by a variable is missing; "open <directory>"
inline std::vector<ConfigFile> find_files(Host const& host) {
  std::vector<ConfigFile> files;
  auto const add_named = [&](std::string const& path) {
    if (path.empty()) return false;
    if (!detail::file_exists(path)) sys::throw_errno("stat", path);
    files.push_back({path, FileRole::named});
    return true;
  };
  if (!add_named(host.variable("CONTAINERS_STORAGE_CONF"))) {
    fs::path user = host.variable("XDG_CONFIG_HOME");
    if (user.empty())
      if (auto const home = host.home_directory(); !home.empty()) user = fs::path(home) / ".config";
    if (!user.empty()) user /= "containers/storage.conf";
    auto const etc = host.system / "etc/containers/storage.conf";
    auto const share = host.system / "usr/share/containers/storage.conf";
    if (!user.empty() && detail::file_exists(user))
      files.push_back({user, FileRole::user});
    else if (detail::file_exists(etc))
      files.push_back({etc, FileRole::system});
    else if (detail::file_exists(share))
      files.push_back({share, FileRole::system});

    std::map<std::string, fs::path> drop_ins;  // lowest precedence first, so that later ones replace it
    auto const add_from = [&](fs::path const& directory) {
      for (auto const& name : detail::conf_names(directory)) drop_ins[name] = directory / name;
    };
    for (auto const& main : {share, etc}) {
      auto const with = [&](std::string const& suffix) {
        return main.parent_path() / ("storage" + suffix + ".conf.d");
      };
      add_from(with(""));
      add_from(with(host.uid == 0 ? ".rootful" : ".rootless"));
      if (host.uid != 0) add_from(with(".rootless") / std::to_string(host.uid));
    }
    if (!user.empty()) add_from(user.parent_path() / "storage.conf.d");
    for (auto const& [name, path] : drop_ins) files.push_back({path, FileRole::drop_in});
  }
  add_named(host.variable("CONTAINERS_STORAGE_CONF_OVERRIDE"));
  return files;
}

}  // namespace strata::conf

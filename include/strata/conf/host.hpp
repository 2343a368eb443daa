#pragma once

#include <strata/sys/userns.hpp>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <pwd.h>
#include <string>
#include <string_view>
#include <unistd.h>

/// Where a store is and how it is opened, as containers/storage configures it: storage.conf and the environment.
/// `load.hpp` needs toml++ (Debian: libtomlplusplus-dev); the rest does not.
namespace strata::conf {

/// What the configuration depends on besides its files. Tests and programs that serve others fill in their own.
struct Host {
  std::uint32_t uid = 0;  ///< of the user, also where a user namespace shows it as 0
  /// Lacks the rights of the machine's root, if only because it is in a user namespace.
  bool rootless = false;
  std::function<std::optional<std::string>(std::string const&)> environment = {};
  std::filesystem::path system = "/";  ///< what etc/ and usr/share/ are looked for in

  /// This process, as containers/storage sees itself: the variables that a container program leaves in its user
  /// namespace (`_CONTAINERS_ROOTLESS_UID`, `_CONTAINERS_USERNS_CONFIGURED`) come first.
  static Host current() {
    Host host;
    host.environment = [](std::string const& name) -> std::optional<std::string> {
      char const* const value = std::getenv(name.c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    host.uid = ::geteuid();
    if (auto const text = host.variable("_CONTAINERS_ROOTLESS_UID"); !text.empty()) {
      host.uid = 0;  // what is no number counts as 0
      std::from_chars(text.data(), text.data() + text.size(), host.uid);
    }
    host.rootless = host.uid != 0 || !host.variable("_CONTAINERS_USERNS_CONFIGURED").empty() ||
                    !sys::has_admin_rights() || !sys::has_all_ids();
    return host;
  }

  /// Empty if it is not set.
  std::string variable(std::string const& name) const {
    return environment ? environment(name).value_or(std::string()) : std::string();
  }

  /// An ordinary user keeps a store of their own; root of a user namespace that somebody else set up uses the system's.
  bool own_store() const noexcept { return rootless && uid != 0; }

  /// @throws nothing; empty if it cannot be found out
  std::string home_directory() const {
    if (auto home = variable("HOME"); !home.empty()) return home;
    auto const* const entry = ::getpwuid(uid);
    return entry == nullptr ? std::string() : entry->pw_dir;
  }
};

}  // namespace strata::conf

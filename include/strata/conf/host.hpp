#pragma once

#include <strata/fs.hpp>
#include <strata/sys/userns.hpp>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <optional>
#include <pwd.h>
#include <string>
#include <string_view>
#include <unistd.h>

/// Configuration of a store as containers/storage has it: storage.conf and the environment; and of registries, as
/// containers/image has it. `load.hpp` and `registries.hpp` need toml++ (Debian: libtomlplusplus-dev); most other
/// headers do not.
namespace strata::conf {

/// What the configuration depends on besides its files. Tests, and programs that act for other users, fill in
/// their own.
struct Host {
  std::uint32_t uid = 0;  ///< of the user, even where a user namespace shows it as 0
  /// True without the privileges of the host's root, even as root of a user namespace.
  bool rootless = false;
  std::function<std::optional<std::string>(std::string const&)> environment = {};
  fs::path system = "/";  ///< prefix of etc/ and usr/share/

  /// This process as containers/storage sees it: variables that a container program sets in its user
  /// namespace (`_CONTAINERS_ROOTLESS_UID`, `_CONTAINERS_USERNS_CONFIGURED`) take precedence.
  static Host current() {
    Host host;
    host.environment = [](std::string const& name) -> std::optional<std::string> {
      char const* const value = std::getenv(name.c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    host.uid = ::geteuid();
    if (auto const text = host.variable("_CONTAINERS_ROOTLESS_UID"); !text.empty()) {
      host.uid = 0;  // a value that is not a number counts as 0
      std::from_chars(text.data(), text.data() + text.size(), host.uid);
    }
    host.rootless = host.uid != 0 || !host.variable("_CONTAINERS_USERNS_CONFIGURED").empty() ||
                    !sys::has_admin_rights() || !sys::has_all_ids();
    return host;
  }

  /// Value of an environment variable; empty if unset.
  std::string variable(std::string const& name) const {
    return environment ? environment(name).value_or(std::string()) : std::string();
  }

  /// True for an ordinary user, who has a store of their own; root of a user namespace set up by another
  /// program uses the system's.
  bool own_store() const noexcept { return rootless && uid != 0; }

  /// Empty if it cannot be determined. Does not throw.
  std::string home_directory() const {
    if (auto home = variable("HOME"); !home.empty()) return home;
    auto const* const entry = ::getpwuid(uid);
    return entry == nullptr ? std::string() : entry->pw_dir;
  }
};

}  // namespace strata::conf

#pragma once

#include <strata/conf/host.hpp>
#include <strata/conf/search.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>

namespace strata::conf {

/// The policy of this user: `~/.config/containers/policy.json` if it exists, else `/etc/containers/policy.json`, which need
/// not exist. `$XDG_CONFIG_HOME` has no influence, as in containers/image.
/// @throws `errno`, "stat <path>"
inline fs::path policy_path(Host const& host) {
  if (fs::path const home = host.home_directory(); !home.empty())
    if (auto const own = home / ".config/containers/policy.json"; detail::file_exists(own)) return own;
  return host.system / "etc/containers/policy.json";
}

}  // namespace strata::conf

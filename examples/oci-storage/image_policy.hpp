#pragma once

#include <strata/conf/host.hpp>
#include <strata/conf/policy_path.hpp>
#include <strata/oci/policy.hpp>
#include <strata/sys/lookup.hpp>

/// What this host demands of images that come in.
namespace oci_storage {

/// @throws `Errc::image_forbidden` if the host's policy does not let the image through; a host without one demands nothing
inline void check_policy(strata::conf::Host const& host, strata::oci::PolicyScopes const& image) {
  // One that cannot be read demands something: who put it there meant it.
  if (auto const path = strata::conf::policy_path(host); strata::sys::is_present(path))
    strata::oci::Policy::read(path).check(image);
}

}  // namespace oci_storage

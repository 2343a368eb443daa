#pragma once

#include <strata/conf/rootless.hpp>

#include "log.hpp"

namespace oci_storage {

/// Goes on in a user namespace of one's own, if this is not one already; says what is wrong with it.
inline void enter_namespace() {
  for (auto const& warning : strata::conf::enter_own_namespace(strata::conf::Host::current()))
    log(LogLevel::warning, warning);
}

}  // namespace oci_storage

#pragma once

#include "output.hpp"
#include "session.hpp"
#include "settings.hpp"

namespace oci_storage {

inline int show_config(Session& session, Invocation const& call) {
  try {
    say(call.arguments.empty() ? configuration_json(session.settings)
                               : configuration_json(call.arguments.front()));
    return 0;
  } catch (strata::Error const& error) {
    complain("reload: ", error_text(error));
    return 1;
  }
}

}  // namespace oci_storage

#pragma once

#include <string>

namespace strata::oci {

/// What tells a registry who asks: a user name and a password, or an identity token, which takes precedence; all
/// empty: nobody in particular. Belongs into no error text, log or command line.
struct Credentials {
  std::string username = {};
  std::string password = {};
  std::string identity_token = {};  ///< an OAuth2 refresh token, for the registry's token server
};

}  // namespace strata::oci

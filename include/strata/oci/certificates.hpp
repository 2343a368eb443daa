#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// The files of a directory of certificates, as containers/image reads it (containers-certs.d(5)).
struct CertificateFiles {
  struct Pair {
    fs::path certificate;  ///< `NAME.cert`
    fs::path key;          ///< `NAME.key`
  };

  std::vector<fs::path> authorities = {};  ///< `*.crt`, sorted
  std::optional<Pair> client = {};         ///< the first one by name
};

/// None of both if there is no such directory, or the path is empty.
/// @throws `Errc::configuration` if a certificate or a key is alone; `errno`
CertificateFiles certificate_files(fs::path const& directory);

/// Where the certificates for registries are looked for, the first directory wins: of the user, of the system, of Docker.
/// @param home  `$HOME`; may be empty
std::vector<fs::path> certificate_roots(fs::path const& home);

/// The directory for a registry, "<root>/<host>:<port>", below the first root that has one; empty if none has.
/// @param host  as in a reference: "quay.io", "localhost:5000"
fs::path find_certificates(std::string_view host, std::vector<fs::path> const& roots);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/certificates.ipp>
#endif

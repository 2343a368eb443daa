#pragma once

#include <strata/fs.hpp>
#include <strata/oci/certificates.hpp>
#include <strata/oci/credentials.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/retry.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace strata::oci {

/// Finds what a registry is told of who asks; none: nobody in particular. Called once, when the registry wants to know.
/// @param of  an image of the repository
using FindCredentials = std::function<std::optional<Credentials>(Reference const& of)>;

/// How a registry is spoken to.
struct RegistryOptions {
  FindCredentials credentials = {};
  /// False: any certificate will do, and where there is no TLS, plain HTTP, as with Podman's `--tls-verify=false`.
  bool verify_tls = true;
  /// Of this registry, as `HttpPolicy` has them. Empty: looked for in `certificate_roots`.
  fs::path certificates = {};
  std::vector<fs::path> certificate_roots = {};
  RetryOptions retry = {};
  Clock clock = {};
  DocumentLimits documents = {};
  std::chrono::milliseconds connect_timeout = std::chrono::seconds(30);
  std::chrono::seconds stall_timeout = std::chrono::seconds(60);
  std::chrono::seconds document_timeout = std::chrono::seconds(300);  ///< of all answers that are no blobs
  /// Other repositories of the registry that may have the blobs that are put: those are then taken from there.
  std::vector<std::string> mount_from = {};
  /// Blobs are put in parts of so many bytes, which are kept in memory, so that a part that did not arrive is sent again. 0: in one
  /// part as it is read, which every registry takes; what breaks off is an error then.
  std::uint64_t chunk_bytes = 0;
  std::stop_token stop = {};
};

}  // namespace strata::oci

#pragma once

#include <strata/oci/certificates.hpp>
#include <strata/sys/directory.hpp>

#include <boost/filesystem/operations.hpp>

namespace strata::oci {

STRATA_INLINE CertificateFiles certificate_files(fs::path const& directory) {
  CertificateFiles out;
  if (directory.empty()) return out;
  for (auto const& file : sys::entries_of(directory)) {
    auto const ending = file.extension();
    if (ending == ".crt") out.authorities.push_back(file);
    if (ending != ".cert" && ending != ".key") continue;
    auto other = file;
    other.replace_extension(ending == ".cert" ? ".key" : ".cert");
    if (!fs::exists(other))
      throw Error(Errc::configuration, file.native() + ": " + other.filename().native() + " is missing")
          .at(file.native());
    if (ending == ".cert" && !out.client) out.client = {.certificate = file, .key = other};
  }
  return out;
}

STRATA_INLINE std::vector<fs::path> certificate_roots(fs::path const& home) {
  std::vector<fs::path> out{"/etc/containers/certs.d", "/etc/docker/certs.d"};
  if (!home.empty()) out.insert(out.begin(), home / ".config/containers/certs.d");
  return out;
}

STRATA_INLINE fs::path find_certificates(std::string_view host, std::vector<fs::path> const& roots) {
  for (auto const& root : roots) {
    auto directory = root / std::string(host);
    boost::system::error_code absent;
    if (fs::is_directory(directory, absent)) return directory;
  }
  return {};
}

}  // namespace strata::oci

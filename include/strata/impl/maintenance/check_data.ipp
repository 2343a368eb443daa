#pragma once

#include <strata/maintenance/check_data.hpp>
#include <strata/maintenance/scan.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

namespace strata::detail {

STRATA_INLINE bool is_valid_digest(std::string const& text) {
  try {
    Digest::parse(text);
    return true;
  } catch (Error const&) {
    return false;
  }
}

STRATA_INLINE std::optional<std::string> read_data(fs::path const& path) {
  try {
    return sys::read_stored(path);
  } catch (Error const& error) {
    if (sys::is_transient(error)) throw;
    return std::nullopt;
  }
}

STRATA_INLINE bool is_signed_manifest(std::string_view key, std::string_view bytes) {
  return key.starts_with("manifest") && bytes.find("\"signatures\"") != bytes.npos;
}

}  // namespace strata::detail

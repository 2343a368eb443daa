#pragma once

#include <strata/concepts/usage_driver.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <string>
#include <system_error>
#include <vector>

namespace strata {

/// Appends the contents of the staging directories below `root`: trees being built, trees waiting to be
/// deleted, and remains of dead processes.
void own_staging_directories(fs::path const& root, std::vector<Ownership>& to);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/staging_ownership.ipp>
#endif

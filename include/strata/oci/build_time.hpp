#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/timestamp.hpp>

namespace strata::oci {

/// When an image that is made was made: `$SOURCE_DATE_EPOCH`, seconds since 1970 (reproducible-builds.org), or now.
/// @throws `std::errc::invalid_argument` if the variable is something else
Timestamp build_time();

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/build_time.ipp>
#endif

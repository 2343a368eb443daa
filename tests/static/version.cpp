#include <strata/version.hpp>

// "major.minor.patch", which meson.build reads from the same line.
static_assert(sizeof(STRATA_VERSION) >= sizeof("0.0.0"));

#include <strata/version.hpp>

#include <string_view>

#if STRATA_VERSION < 100 || \
    STRATA_VERSION != STRATA_VERSION_MAJOR * 10000 + STRATA_VERSION_MINOR * 100 + STRATA_VERSION_PATCH
#error "the numbers cannot be used by the preprocessor"
#endif

// The text, which meson.build reads, says what the numbers say.
#define STRATA_TEXT_OF(number) #number
#define STRATA_JOINED(major, minor, patch) \
  STRATA_TEXT_OF(major) "." STRATA_TEXT_OF(minor) "." STRATA_TEXT_OF(patch)
static_assert(std::string_view(STRATA_VERSION_TEXT) ==
              STRATA_JOINED(STRATA_VERSION_MAJOR, STRATA_VERSION_MINOR, STRATA_VERSION_PATCH));

// A program may hide what OpenSSL calls deprecated.
#define OPENSSL_NO_DEPRECATED
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>

static_assert(strata::ByteSink<strata::Hasher>);

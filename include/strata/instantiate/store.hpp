#pragma once

#include <strata/bodies.hpp>
#include <strata/instantiate/extern_store.hpp>

/// Compiles the members of a store's class templates, which other units declare to be elsewhere. See
/// `STRATA_EXTERN_STORE`.
#define STRATA_INSTANTIATE_STORE(...) STRATA_DETAIL_STORE(, __VA_ARGS__)

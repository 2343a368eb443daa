#pragma once

#include <strata/codec/all.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/instantiate/extern_store.hpp>
#include <strata/serializers/json.hpp>

/// The store that most programs compose, compiled in one source of a program:
///
///     #include <strata/instantiate/overlay_json.hpp>
///     #include <strata/instantiate/store.hpp>
///     STRATA_INSTANTIATE_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Json>)
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Json>)

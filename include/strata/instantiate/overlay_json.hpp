#pragma once

#include <strata/codec/all.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/instantiate.hpp>

/// The store that most programs compose, compiled in one source of a program:
///
///     #include <strata/instantiate/overlay_json.hpp>
///     STRATA_INSTANTIATE_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Json>)
STRATA_EXTERN_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Json>)

// As README has it: what a program of several units compiles once.
#include <strata/instantiate/overlay_json.hpp>
#include <strata/instantiate/store.hpp>
#include <strata/src.hpp>
STRATA_INSTANTIATE_STORE(strata::Store<strata::drivers::Overlay, strata::serializers::Json>)

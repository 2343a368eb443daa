// A store that many tests use (store/stores.hpp), compiled once.
#include "store/stores.hpp"

STRATA_INSTANTIATE_STORE(
    strata::Store<strata::drivers::Vfs, strata::serializers::Json, strata::durability::None>)
STRATA_INSTANTIATE_STORE(strata::Store<strata::drivers::Vfs, strata::serializers::Json>)

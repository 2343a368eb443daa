#pragma once

// What all cases include; run.sh compiles it once.
#include <strata/drivers/memory.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>

#include "static/driver_archetype.hpp"
#include "static/serializer_archetype.hpp"
#include <string>

using strata::drivers::Memory;
using strata::serializers::Json;

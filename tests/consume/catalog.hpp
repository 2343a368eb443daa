#pragma once

#include <strata/strata.hpp>

#include <string>

using Store = strata::Store<strata::drivers::Memory, strata::serializers::Journal>;

void fill(Store& store);

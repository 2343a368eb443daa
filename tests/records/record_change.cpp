#include <strata/records/record_change.hpp>

#include "rows.hpp"

static_assert(strata::RecordTarget<Rows, strata::LayerRecord>);
static_assert(!strata::RecordTarget<std::vector<strata::LayerRecord>, strata::LayerRecord>);

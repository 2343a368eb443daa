#pragma once

/// Streams on their way into a layer and out of it, with threads behind bounded buffers.
#include <strata/archive/inlet.hpp>
#include <strata/archive/outlet.hpp>

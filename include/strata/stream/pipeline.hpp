#pragma once

/// Streams on their way into a layer and out of it, with threads behind bounded buffers.
#include <strata/stream/inlet.hpp>
#include <strata/stream/outlet.hpp>

#pragma once

/// Streams on their way into a layer and out of it, with threads behind bounded buffers.
#include <strata/stream/compressing_writer.hpp>
#include <strata/stream/decompressing_reader.hpp>

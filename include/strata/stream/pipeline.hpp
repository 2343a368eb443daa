#pragma once

/// Streams into and out of a layer, processed by threads with bounded buffers.
#include <strata/stream/compressing_writer.hpp>
#include <strata/stream/decompressing_reader.hpp>

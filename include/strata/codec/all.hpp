#pragma once

#include <strata/codec/bzip2.hpp>
#include <strata/codec/codec.hpp>
#include <strata/codec/gzip.hpp>
#include <strata/codec/xz.hpp>
#include <strata/codec/zstd.hpp>

namespace strata::codec {

/// All codecs of the library: the compressions that other programs may have used for a layer. The default of
/// `StoreTraits`, which only declares it: include this header where layers are imported or exported.
struct All : List<Gzip, Zstd, Xz, Bzip2> {};

}  // namespace strata::codec

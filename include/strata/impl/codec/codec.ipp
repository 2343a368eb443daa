#pragma once

#include <strata/codec/codec.hpp>

#include <algorithm>

namespace strata::codec {

STRATA_INLINE Compression detect(Bytes first) noexcept {
  auto const starts = [&](std::string_view magic) { return as_text(first).starts_with(magic); };
  if (starts("\x1f\x8b\x08")) return Compression::gzip;
  if (starts("\x28\xb5\x2f\xfd")) return Compression::zstd;
  if (starts("BZh")) return Compression::bzip2;
  if (starts({"\xfd"
              "7zXZ\0",
              6}))
    return Compression::xz;
  return Compression::none;
}

}  // namespace strata::codec

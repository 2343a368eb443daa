#pragma once

#include <strata/codec/decoder.hpp>

namespace strata::codec::detail {

STRATA_INLINE Bytes Input::rest() {
  if (rest_.empty() && !ended_) {
    rest_ = source_.next();
    ended_ = rest_.empty();
  }
  return rest_;
}

STRATA_INLINE void throw_damaged(std::string_view format, std::string_view how) {
  throw Error(Errc::corrupt_archive, std::string(format) + " stream, " + std::string(how));
}

}  // namespace strata::codec::detail

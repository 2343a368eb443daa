#pragma once

#include <strata/archive/zero_filled_tar.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE Bytes ZeroFilledTar::next() {
  while (true) {
    if (zeros_left_ != 0) {
      auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(zeros_left_, zeros.size()));
      zeros_left_ -= count;
      return Bytes(zeros).first(count);
    }
    if (in_segment_) {
      buffer_.resize(std::max(buffer_.size(), lines_.segment_room()));
      if (auto const count = lines_.segment(buffer_.data())) return Bytes(buffer_).first(count);
      in_segment_ = false;
    }
    if (!lines_.next()) return {};
    if (lines_.is_file())
      begin_file();
    else
      in_segment_ = true;
  }
}

STRATA_INLINE void ZeroFilledTar::begin_file() {
  zeros_left_ = lines_.size();
  if (zeros_left_ != 0 && zeros_left_ != std::exchange(wanted_, 0))
    throw Error(Errc::corrupt_tar_split,
                "file \"" + lines_.name() + "\", which has another size in its header");
}

}  // namespace strata::archive

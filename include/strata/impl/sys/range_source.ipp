#pragma once

#include <strata/error.hpp>
#include <strata/sys/range_source.hpp>
#include <strata/sys/stream.hpp>

#include <algorithm>
#include <unistd.h>

namespace strata::detail {

STRATA_INLINE Bytes FileRangeSource::next() {
  if (left_.size == 0) return {};
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(stream_chunk);
  return {buffer_.get(), fill({buffer_.get(), stream_chunk})};
}

STRATA_INLINE std::size_t FileRangeSource::fill(std::span<std::byte> into) {
  auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), left_.size));
  if (wanted == 0) return 0;
  auto const n = sys::retry(
      [&] { return ::pread(file_->get(), into.data(), wanted, static_cast<off_t>(left_.offset)); });
  if (n < 0) sys::throw_errno("read", path_);
  if (n == 0)
    throw Error(Errc::corrupt_archive, path_.native() + " ends at byte " + std::to_string(left_.offset))
        .at(path_.native());
  auto const read = static_cast<std::size_t>(n);
  left_.offset += read;
  left_.size -= read;
  return read;
}

}  // namespace strata::detail

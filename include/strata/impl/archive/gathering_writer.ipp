#pragma once

#include <strata/archive/gathering_writer.hpp>

namespace strata::archive {

STRATA_INLINE void GatheringWriter::write(Bytes bytes) {
  if (bytes.size() > capacity - used_) {
    flush();
    if (bytes.size() > capacity / 4) return out_.write(bytes);
  }
  if (!bytes.empty()) std::memcpy(buffer_.get() + used_, bytes.data(), bytes.size());
  used_ += bytes.size();
}

STRATA_INLINE std::byte* GatheringWriter::room(std::size_t size) {
  if (size > capacity - used_) flush();
  return buffer_.get() + used_;
}

STRATA_INLINE void GatheringWriter::zeros(std::size_t size) {
  std::memset(room(size), 0, size);
  advance(size);
}

STRATA_INLINE void GatheringWriter::flush() {
  auto const size = used_;
  used_ = 0;
  if (size != 0) out_.write({buffer_.get(), size});
}

}  // namespace strata::archive

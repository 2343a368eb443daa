#pragma once

#include <strata/chunked/partial_pull.hpp>

namespace strata::detail {

STRATA_INLINE void RebuiltArchive::raw(Bytes bytes) {
  split_->raw(bytes);
  sum_.write(bytes);
}

STRATA_INLINE void RebuiltArchive::entry(archive::TarHeader const& header) {
  recorded_->entry(header);
  split_->entry(header);
}

STRATA_INLINE void RebuiltArchive::contents(Bytes bytes) {
  split_->payload(bytes);
  sum_.write(bytes);
}

STRATA_INLINE TarSum RebuiltArchive::finish() {
  split_->finish();
  return sum_.finish();
}

}  // namespace strata::detail

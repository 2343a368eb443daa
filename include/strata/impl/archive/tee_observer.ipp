#pragma once

#include <strata/archive/tee_observer.hpp>

namespace strata::archive {

STRATA_INLINE void TeeObserver::raw(Bytes bytes) {
  first_.raw(bytes);
  second_.raw(bytes);
}

STRATA_INLINE void TeeObserver::entry(TarHeader const& header) {
  first_.entry(header);
  second_.entry(header);
}

STRATA_INLINE void TeeObserver::payload(Bytes bytes) {
  first_.payload(bytes);
  second_.payload(bytes);
}

STRATA_INLINE void TeeObserver::global_header(std::string_view name) {
  first_.global_header(name);
  second_.global_header(name);
}

STRATA_INLINE void TeeObserver::end_marker() {
  first_.end_marker();
  second_.end_marker();
}

}  // namespace strata::archive

#pragma once

#include <strata/oci/watched_source.hpp>

namespace strata::oci {

STRATA_INLINE Bytes WatchedSource::next() {
  control_.check();
  auto const part = in_.next();
  now_.bytes += part.size();
  bool const is_due = part.empty() ? !std::exchange(ended_, true) : pace_.is_due();
  if (is_due && control_.progress) control_.progress(now_);
  return part;
}

}  // namespace strata::oci

#pragma once

#include <strata/lock/no_lock.hpp>

namespace strata {

STRATA_INLINE auto NoLock::Guard::token() const -> Token {
  auto const count = count_->load();
  return count == 0 ? Token() : std::to_string(count);
}

STRATA_INLINE auto NoLock::exclusive() const -> Guard {
  if (read_only_) throw Error(Errc::store_read_only, read_only_->native()).at(read_only_->native());
  return Guard(count_);
}

}  // namespace strata

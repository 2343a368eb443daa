#pragma once

#include <strata/records/table_locks.hpp>

#include <chrono>
#include <thread>

namespace strata {

STRATA_INLINE void ReadAttempts::failed(Error const& error) const {
  if (excludes_ || attempt_ == most) throw;
  bool const replaced = error.code() == std::error_code(ESTALE, std::system_category());
  if (error.code() != Errc::corrupt_record && !replaced) throw;
}

STRATA_INLINE void ReadAttempts::again(std::string_view stem, fs::path const& place) {
  if (attempt_ == most)
    throw Error(Errc::store_changed, std::string(stem) + " in " + place.native()).at(place.native());
  if (attempt_ > 2) std::this_thread::sleep_for(std::chrono::milliseconds(attempt_));
  ++attempt_;
}

}  // namespace strata

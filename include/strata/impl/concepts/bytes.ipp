#pragma once

#include <strata/concepts/bytes.hpp>

namespace strata {

STRATA_INLINE auto Source::held() const -> Base& {
  if (!held_) throw Error(std::error_code(EBADF, std::system_category()), "read an empty source");
  return *held_;
}

STRATA_INLINE void Sink::write(Bytes bytes) {
  if (!held_) throw Error(std::error_code(EBADF, std::system_category()), "write to an empty sink");
  held_->write(bytes);
}

STRATA_INLINE std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace strata

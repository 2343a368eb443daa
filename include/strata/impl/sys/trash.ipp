#pragma once

#include <strata/sys/trash.hpp>

namespace strata {

STRATA_INLINE Trash& Trash::operator=(Trash&& other) noexcept {
  if (this != &other) {
    discard();
    actions_ = std::exchange(other.actions_, {});
    directories_ = std::exchange(other.directories_, {});
  }
  return *this;
}

STRATA_INLINE void Trash::merge(Trash&& other) {
  std::move(other.actions_.begin(), other.actions_.end(), std::back_inserter(actions_));
  std::move(other.directories_.begin(), other.directories_.end(), std::back_inserter(directories_));
  other.actions_.clear();
  other.directories_.clear();
}

STRATA_INLINE void Trash::empty() {
  std::exception_ptr first;
  auto const keep_failed = [&first](auto& items, auto&& remove) {
    std::erase_if(items, [&](auto& item) {
      try {
        remove(item);
        return true;
      } catch (...) {
        if (!first) first = std::current_exception();
        return false;
      }
    });
  };
  keep_failed(actions_, [](auto& action) { action(); });
  keep_failed(directories_, [](auto& directory) { directory.remove(); });
  if (first) std::rethrow_exception(first);
}

STRATA_INLINE void Trash::discard() noexcept {
  try {
    empty();
  } catch (...) {  // a later recovery handles the directories that failed
  }
}

}  // namespace strata

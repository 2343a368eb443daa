#pragma once

#include <strata/tree/layer_entries.hpp>

#include <ranges>

#include <concepts>

namespace strata {

STRATA_INLINE auto LayerEntries::iterator::operator++() -> iterator& {
  of_->advance();
  return *this;
}

STRATA_INLINE auto LayerEntries::begin() -> iterator {
  if (!begun_) advance();
  begun_ = true;
  return iterator(this);
}

STRATA_INLINE void LayerEntries::advance() {
  if (walk_ && !walk_->next(current_)) walk_.reset();
}

static_assert(std::ranges::input_range<LayerEntries> && std::movable<LayerEntries>);

}  // namespace strata

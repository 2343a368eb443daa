#pragma once

#include <strata/records/record.hpp>
#include <strata/store/collection.hpp>

#include <algorithm>
#include <cstddef>
#include <string>

namespace strata {

template <class Core, class Traits>
auto Collection<Core, Traits>::find(Ref const& ref) const -> std::optional<Item> {
  auto found = core_->template read_view<Traits>().find(ref);
  return found ? std::make_optional(Item(core_, std::move(found.row), found.place)) : std::nullopt;
}

template <class Core, class Traits>
auto Collection<Core, Traits>::get(Ref const& ref) const -> Item {
  auto found = core_->template read_view<Traits>().get(ref);
  return Item(core_, std::move(found.row), found.place);
}

template <class Core, class Traits>
bool Collection<Core, Traits>::exists(Ref const& ref) const {
  return static_cast<bool>(core_->template read_view<Traits>().find(ref));
}

template <class Core, class Traits>
auto Collection<Core, Traits>::list() const -> std::vector<Item> {
  std::vector<Item> out;
  std::size_t own = 0;
  core_->template read_view<Traits>().each([&](auto const& row, auto& place) {
    out.emplace_back(core_, row, &place);
    if (!place.read_only) own = out.size();
  });
  // In file order, which may differ from the order in which this object created them.
  if constexpr (requires(Item const& item) { item.record().place; }) {
    auto const place = [](Item const& item) { return item.record().place; };
    auto const last = out.begin() + static_cast<std::ptrdiff_t>(own);
    if (!std::ranges::is_sorted(out.begin(), last, {}, place))
      std::ranges::stable_sort(out.begin(), last, {}, place);
  }
  return out;
}

}  // namespace strata

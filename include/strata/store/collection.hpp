#pragma once

#include <strata/id.hpp>
#include <strata/records/record.hpp>
#include <strata/store/item.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata {

/// What layers, images and containers of a store have in common: finding them. Safe to use from many threads.
template <class Core, class Traits>
class Collection {
 public:
  using Item = strata::Item<Traits>;

  explicit Collection(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  /// By id, by name, or by a prefix that only one id has: in the store itself, then in those that it only reads.
  std::optional<Item> find(Ref const& ref) const {
    auto found = core_->template read_view<Traits>().find(ref);
    return found ? std::make_optional(Item(core_, std::move(found.row), found.place)) : std::nullopt;
  }

  /// As `find`. @throws `Traits::unknown`
  Item get(Ref const& ref) const {
    auto found = core_->template read_view<Traits>().get(ref);
    return Item(core_, std::move(found.row), found.place);
  }

  bool exists(Ref const& ref) const {
    return static_cast<bool>(core_->template read_view<Traits>().find(ref));
  }

  /// All, in the order in which they were created, those of a separate image store and of volatile files last; then those
  /// of stores that are only read, store by store. An id that several stores have is there as often.
  std::vector<Item> list() const {
    std::vector<Item> out;
    std::size_t own = 0;
    core_->template read_view<Traits>().each([&](auto const& row, auto& place) {
      out.emplace_back(core_, row, &place);
      if (!place.read_only) own = out.size();
    });
    // As they are read from their files, also while this object remembers in which order it made them.
    if constexpr (requires(Item const& item) { item.record().place; }) {
      auto const place = [](Item const& item) { return item.record().place; };
      auto const last = out.begin() + static_cast<std::ptrdiff_t>(own);
      if (!std::ranges::is_sorted(out.begin(), last, {}, place))
        std::ranges::stable_sort(out.begin(), last, {}, place);
    }
    return out;
  }

 protected:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

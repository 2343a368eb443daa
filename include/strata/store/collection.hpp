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

/// Look-up functions that the layers, images and containers of a store share. Thread-safe.
template <class Core, class Traits>
class Collection {
 public:
  using Item = strata::Item<Traits>;

  explicit Collection(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  /// Finds an item by id, name, or unique prefix of an id; in the store itself, then in its read-only stores.
  /// Reads record files only if they have changed.
  /// @return none if not found
  [[nodiscard]] std::optional<Item> find(Ref const& ref) const {
    auto found = core_->template read_view<Traits>().find(ref);
    return found ? std::make_optional(Item(core_, std::move(found.row), found.place)) : std::nullopt;
  }

  /// As `find`. @throws `Traits::unknown`
  Item get(Ref const& ref) const {
    auto found = core_->template read_view<Traits>().get(ref);
    return Item(core_, std::move(found.row), found.place);
  }

  /// True if `find` finds an item.
  [[nodiscard]] bool exists(Ref const& ref) const {
    return static_cast<bool>(core_->template read_view<Traits>().find(ref));
  }

  /// All items in order of creation, those of a separate image store and volatile ones last; then those of
  /// read-only stores. An id that several stores have is listed once for each.
  [[nodiscard]] std::vector<Item> list() const {
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

 protected:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

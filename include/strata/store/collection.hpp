#pragma once

#include <strata/id.hpp>
#include <strata/item/item.hpp>

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

  /// By id, by name, or by a prefix that only one id has.
  std::optional<Item> find(Ref const& ref) const {
    auto row = core_->template table<Traits>().read().find(ref);
    return row ? std::make_optional(Item(core_, std::move(row))) : std::nullopt;
  }

  /// As `find`. @throws `Traits::unknown`
  Item get(Ref const& ref) const { return Item(core_, core_->template table<Traits>().read().get(ref)); }

  bool exists(Ref const& ref) const { return core_->template table<Traits>().read().find(ref) != nullptr; }

  /// All, in the order in which they were created; those in a volatile file last.
  std::vector<Item> list() const {
    std::vector<Item> out;
    auto const rows = core_->template table<Traits>().read().rows();
    out.reserve(rows.size());
    for (auto const& row : rows) out.emplace_back(core_, row);
    return out;
  }

 protected:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

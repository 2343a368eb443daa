#pragma once

#include <strata/id.hpp>
#include <strata/store/item.hpp>

#include <memory>
#include <optional>
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
  [[nodiscard]] std::optional<Item> find(Ref const& ref) const;

  /// As `find`. @throws `Traits::unknown`
  Item get(Ref const& ref) const;

  /// True if `find` finds an item.
  [[nodiscard]] bool exists(Ref const& ref) const;

  /// All items in order of creation, those of a separate image store and volatile ones last; then those of
  /// read-only stores. An id that several stores have is listed once for each.
  [[nodiscard]] std::vector<Item> list() const;

 protected:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/collection.hpp>
#endif

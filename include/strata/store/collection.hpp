#pragma once

#include <strata/id.hpp>
#include <strata/item/item.hpp>
#include <strata/item/record.hpp>

#include <iterator>
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
    auto found = core_->template look<Traits>().find(ref);
    return found ? std::make_optional(Item(core_, std::move(found.row), found.shelf)) : std::nullopt;
  }

  /// As `find`. @throws `Traits::unknown`
  Item get(Ref const& ref) const {
    auto found = core_->template look<Traits>().get(ref);
    return Item(core_, std::move(found.row), found.shelf);
  }

  bool exists(Ref const& ref) const { return static_cast<bool>(core_->template look<Traits>().find(ref)); }

  /// All, in the order in which they were created, those in a volatile file last; then those of stores that are only
  /// read, store by store. An id that several stores have is there as often.
  std::vector<Item> list() const {
    std::vector<Item> out;
    std::vector<Item> last;
    core_->template look<Traits>().each([&](auto const& row, auto& shelf) {
      bool is_volatile = false;
      if constexpr (requires { row->place; })
        is_volatile = !shelf.read_only && row->place == RecordPlace::volatile_file;
      if (shelf.read_only) append(out, last);
      (is_volatile ? last : out).emplace_back(core_, row, &shelf);
    });
    append(out, last);
    return out;
  }

 private:
  static void append(std::vector<Item>& to, std::vector<Item>& from) {
    to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
    from.clear();
  }

 protected:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

#pragma once

#include <strata/concepts/traits.hpp>
#include <strata/id.hpp>
#include <strata/item/names.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strata {

/// The records of one kind in memory, in the order in which they were created, and the ways to find one.
///
/// Rows are immutable and shared, so one that was handed out stays whole whatever happens here. Look-ups by
/// id and name cost O(1); the indexes for prefixes and references are built when they are first asked for and
/// kept up to date from then on. Safe for many readers at once; a change needs to be alone, which `Table`
/// sees to.
template <ItemTraits Traits>
class Index {
 public:
  using Record = typename Traits::Record;

  /// Takes back one `put` or `erase`, in reverse order.
  struct Undo {
    std::size_t position = 0;
    Row<Record> before;
  };

  void clear() {
    rows_.clear();
    count_ = 0;
    by_id_.clear();
    by_name_.clear();
    repeated_names_ = false;
    drop_lazy();
  }

  /// Whether records that were `put` since the last `clear` claimed one name more than once.
  bool repeated_names() const noexcept { return repeated_names_; }

  /// Makes room for that many rows at once; more or fewer may come.
  void reserve(std::size_t count) {
    rows_.reserve(count);
    by_id_.reserve(count);
  }

  /// Inserts the record, or replaces the one of its id. A name that another record holds goes to this one; a
  /// name that stands twice in the record is lost (both as containers/storage does when it loads).
  void put(Record&& record) {
    drop_repeated(record.names);
    for (auto const& name : record.names)
      if (auto const holder = by_name_.find(name);
          holder != by_name_.end() && rows_[holder->second]->id != record.id) {
        repeated_names_ = true;
        Record poorer = *rows_[holder->second];
        std::erase(poorer.names, name);
        assign(holder->second, std::make_shared<Record const>(std::move(poorer)));
      }
    put_row(std::make_shared<Record const>(std::move(record)));
  }

  /// As `put`, for a row whose names no other record holds.
  Undo put_row(Row<Record> row) {
    if (auto const found = by_id_.find(row->id); found != by_id_.end()) {
      auto const position = found->second;
      return {position, assign(position, std::move(row))};
    }
    rows_.emplace_back();
    assign(rows_.size() - 1, std::move(row));
    return {rows_.size() - 1, nullptr};
  }

  void erase(std::string_view id) { erase_row(id); }

  Undo erase_row(std::string_view id) {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return {static_cast<std::size_t>(-1), nullptr};
    auto const position = found->second;
    return {position, assign(position, nullptr)};
  }

  void undo(Undo const& step) {
    if (step.position >= rows_.size()) {
      if (!step.before) return;
      rows_.resize(step.position + 1);
    }
    assign(step.position, step.before);
  }

  /// Gives back the places of erased rows once they are the greater part. Spoils every outstanding `Undo`.
  void compact() {
    if (rows_.size() < 64 || count_ > rows_.size() / 2) return;
    auto const live = rows();
    clear();
    for (auto const& row : live) put_row(row);
  }

  std::size_t size() const noexcept { return count_; }

  /// All rows in order. O(n).
  std::vector<Row<Record>> rows() const {
    std::vector<Row<Record>> out;
    out.reserve(count_);
    for (auto const& row : rows_)
      if (row) out.push_back(row);
    return out;
  }

  /// Whether a record is as `wanted` says. O(n).
  template <class Wanted>
  bool any_of(Wanted&& wanted) const {
    return std::ranges::any_of(rows_, [&](auto const& row) { return row && wanted(*row); });
  }

  Row<Record> by_id(std::string_view id) const { return at(by_id_, id); }
  Row<Record> by_name(std::string_view name) const { return at(by_name_, name); }

  /// Exact id, exact name, what `Traits::also_known_as` says, then a prefix that only one id has. Null if
  /// there is none.
  Row<Record> find(std::string_view text) const {
    if (auto row = by_id(text)) return row;
    if (auto row = by_name(text)) return row;
    if (text.empty()) return nullptr;
    for (auto const& row : referring_to(text))
      if (Traits::also_known_as(*row) == text) return row;
    build_prefixes();
    auto const first = prefixes_.lower_bound(text);
    if (first == prefixes_.end() || !first->starts_with(text)) return nullptr;
    auto const second = std::next(first);
    if (second != prefixes_.end() && second->starts_with(text)) return nullptr;
    return by_id(*first);
  }

  /// Rows whose record mentions that id or digest (`Traits::refers_to`), in order.
  std::vector<Row<Record>> referring_to(std::string_view key) const {
    build_references();
    std::vector<std::size_t> positions;
    auto const [first, last] = references_.equal_range(std::string(key));
    for (auto at = first; at != last; ++at) positions.push_back(at->second);
    std::ranges::sort(positions);
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    std::vector<Row<Record>> out;
    for (auto const position : positions) out.push_back(rows_[position]);
    return out;
  }

 private:
  using Positions = std::unordered_map<std::string_view, std::size_t>;

  Row<Record> at(Positions const& index, std::string_view key) const {
    auto const found = index.find(key);
    return found == index.end() ? nullptr : rows_[found->second];
  }

  void drop_repeated(names::List& list) {
    names::List const all = list;
    if (std::erase_if(list, [&](std::string const& name) { return std::ranges::count(all, name) > 1; }) > 0)
      repeated_names_ = true;
  }

  /// The one place where a row changes: all indexes follow. The keys are views into the record they lead to.
  Row<Record> assign(std::size_t position, Row<Record> row) {
    auto before = std::exchange(rows_[position], nullptr);
    if (before) {
      --count_;
      by_id_.erase(before->id);
      for (auto const& name : before->names)
        if (auto const found = by_name_.find(name); found != by_name_.end() && found->second == position)
          by_name_.erase(found);
      if (has_prefixes_) prefixes_.erase(before->id);
      if (has_references_)
        Traits::refers_to(*before, [&](std::string const& key) {
          auto const [first, last] = references_.equal_range(key);
          for (auto found = first; found != last; ++found)
            if (found->second == position) {
              references_.erase(found);
              break;
            }
        });
    }
    if (row) {
      ++count_;
      rows_[position] = row;
      by_id_[row->id] = position;
      for (auto const& name : row->names) {
        by_name_.erase(name);  // the key must be a view into the new holder
        by_name_.emplace(name, position);
      }
      if (has_prefixes_ && has_prefix(row->id)) prefixes_.insert(row->id);
      if (has_references_) refer(*row, position);
    }
    trim();
    return before;
  }

  void refer(Record const& record, std::size_t position) const {
    Traits::refers_to(record, [&](std::string const& key) { references_.emplace(key, position); });
  }

  /// Rows at the end that are gone need no place; those in the middle keep theirs, as positions are
  /// remembered.
  void trim() {
    while (!rows_.empty() && !rows_.back()) rows_.pop_back();
  }

  void build_prefixes() const {
    std::scoped_lock const once(lazy_);
    if (std::exchange(has_prefixes_, true)) return;
    for (auto const& row : rows_)
      if (row && has_prefix(row->id)) prefixes_.insert(row->id);
  }

  /// As in containers/storage, whose index of prefixes takes no id with a blank.
  static bool has_prefix(std::string_view id) { return id.find(' ') == id.npos; }

  void build_references() const {
    std::scoped_lock const once(lazy_);
    if (std::exchange(has_references_, true)) return;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (rows_[i]) refer(*rows_[i], i);
  }

  void drop_lazy() {
    prefixes_.clear();
    references_.clear();
    has_prefixes_ = has_references_ = false;
  }

  std::vector<Row<Record>> rows_;  ///< null where one was erased
  std::size_t count_ = 0;
  Positions by_id_;
  Positions by_name_;
  bool repeated_names_ = false;
  mutable std::mutex lazy_;  ///< several readers may be the first to ask
  mutable std::set<std::string_view, std::less<>> prefixes_;
  mutable std::unordered_multimap<std::string, std::size_t> references_;
  mutable bool has_prefixes_ = false;
  mutable bool has_references_ = false;
};

}  // namespace strata

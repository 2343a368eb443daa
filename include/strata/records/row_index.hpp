#pragma once

#include <strata/error.hpp>
#include <strata/records/names.hpp>
#include <strata/records/row_list.hpp>
#include <strata/subject.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strata {

/// Rows in memory, with look-ups: the part of `Index` that does not depend on the record type, so that a
/// program contains it once.
class RowIndex {
 private:
  using Positions = std::unordered_map<std::string_view, std::size_t>;
  using Prefixes = std::set<std::string_view, std::less<>>;
  using References = std::unordered_multimap<std::string, std::size_t>;

  /// The index entries of one row: allocated before it is inserted and kept when it is removed, so that
  /// neither step, nor its undo, can run out of memory half-way.
  struct Entries {
    typename Positions::node_type id = {};
    std::vector<typename Positions::node_type> names = {};
    typename Prefixes::node_type prefix = {};
    std::vector<typename References::node_type> references = {};
    bool knows_prefix = false;      ///< there was an index of prefixes
    bool knows_references = false;  ///< there was an index of references
  };

 public:
  /// Undoes one `put` or `erase`; apply in reverse order.
  struct Undo {
    std::size_t position = 0;
    AnyRow before = {};
    Entries entries = {};  ///< of `before`
  };

  explicit RowIndex(RecordFacts const& facts) : facts_(&facts), rows_(facts) {}

  void clear() {
    rows_.clear();
    count_ = 0;
    by_id_.clear();
    by_name_.clear();
    repeated_names_ = false;
    drop_lazy();
  }

  /// Appends a row that is parsed when it is first asked for. It must have no names.
  /// @param text    `facts.id_in(text)` is its id
  /// @param source  keeps the text; the same for all texts until `clear`
  /// @return false, with nothing done, if there is a row of that id, or an index that needs more than the id.
  ///   After an exception only `clear` may be called
  bool put_text(std::string_view text, std::shared_ptr<void const> const& source) {
    if (has_prefixes_ || has_references_) return false;
    if (!by_id_.try_emplace(facts_->id_in(text), rows_.size()).second) return false;
    rows_.push_text(text, source);
    ++count_;
    return true;
  }

  /// True if records that were `put` since the last `clear` had a name in common.
  bool repeated_names() const noexcept { return repeated_names_; }

  /// Reserves space for that number of rows; a hint.
  void reserve(std::size_t count) {
    rows_.reserve(count);
    by_id_.reserve(count);
  }

  /// Drops names that occur twice in the list.
  void drop_repeated(names::List& list) {
    names::List const all = list;
    if (std::erase_if(list, [&](std::string const& name) { return std::ranges::count(all, name) > 1; }) > 0)
      repeated_names_ = true;
  }

  /// As `put_row`, for a row that lost a name to another one.
  void put_poorer(AnyRow row) {
    repeated_names_ = true;
    put_row(std::move(row));
  }

  /// Inserts the row, or replaces the one with its id. No other row has its names. Strong exception
  /// guarantee.
  Undo put_row(AnyRow row) {
    if (auto const found = by_id_.find(id_of(row)); found != by_id_.end())
      return assign(found->second, std::move(row));
    rows_.push();
    try {
      return assign(rows_.size() - 1, std::move(row));
    } catch (...) {
      rows_.pop();
      throw;
    }
  }

  void erase(std::string_view id) { erase_row(id); }

  /// Strong exception guarantee.
  Undo erase_row(std::string_view id) {
    auto const found = by_id_.find(id);
    if (found == by_id_.end()) return {static_cast<std::size_t>(-1), nullptr};
    return assign(found->second, nullptr);
  }

  /// Allocates nothing: the removed entries are reused.
  void undo(Undo step) noexcept {
    if (step.position >= rows_.size()) {
      if (!step.before) return;
      rows_.resize(step.position + 1);  // the previous size
    }
    auto const& old = step.entries;
    if (step.before && ((has_prefixes_ && !old.knows_prefix) || (has_references_ && !old.knows_references)))
      drop_lazy();  // it was built in between
    exchange(step.position, std::move(step.before), std::move(step.entries), {}, nullptr);
  }

  /// Undoes all steps, the last one first.
  void undo(std::vector<Undo>& steps) noexcept {
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) undo(std::move(*step));
    steps.clear();
  }

  /// Removes the positions of erased rows once they are the majority. Invalidates every outstanding `Undo`.
  void compact() {
    if (rows_.size() < 64 || count_ > rows_.size() / 2) return;
    auto const to = rows_.compact();
    for (auto& [id, position] : by_id_) position = to[position];
    for (auto& [name, position] : by_name_) position = to[position];
    for (auto& [key, position] : references_) position = to[position];
  }

  std::size_t size() const noexcept { return count_; }

  /// The rows in order.
  RowList const& positions() const noexcept { return rows_; }

  AnyRow by_id(std::string_view id) const { return at(by_id_, id); }
  AnyRow by_name(std::string_view name) const { return at(by_name_, name); }

  /// Looks up an exact id, an exact name, the additional key, then a unique prefix of an id. Null if there is
  /// none.
  AnyRow find(std::string_view text) const {
    if (auto row = by_id(text)) return row;
    if (auto row = by_name(text)) return row;
    if (text.empty()) return nullptr;
    for (auto const& row : referring_to(text))
      if (facts_->also_known_as(row.get(), text)) return row;
    build_prefixes();
    auto const first = prefixes_.lower_bound(text);
    if (first == prefixes_.end() || !first->starts_with(text)) return nullptr;
    auto const second = std::next(first);
    if (second != prefixes_.end() && second->starts_with(text)) return nullptr;
    return by_id(*first);
  }

  /// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, whose holder is the item that has the name
  void check_free(Subject subject, std::string_view id, names::List const& wanted) const {
    if (!id.empty() && by_id_.contains(id))
      throw Error(Errc::duplicate_id, std::string(to_text(subject)) + " \"" + std::string(id) + "\"",
                  std::string(id))
          .about(subject, std::string(id));
    for (auto const& name : wanted)
      if (auto const holder = by_name(name))
        throw Error(Errc::duplicate_name, std::string(to_text(subject)) + " name \"" + name + "\"",
                    id_of(holder))
            .about(subject, name);
  }

  /// Rows whose record mentions this id or digest, in order.
  std::vector<AnyRow> referring_to(std::string_view key) const {
    build_references();
    std::vector<std::size_t> positions;
    auto const [first, last] = references_.equal_range(std::string(key));
    for (auto at = first; at != last; ++at) positions.push_back(at->second);
    std::ranges::sort(positions);
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    std::vector<AnyRow> out;
    for (auto const position : positions) out.push_back(rows_.at(position));
    return out;
  }

 private:
  std::string const& id_of(AnyRow const& row) const { return facts_->id(row.get()); }
  names::List const& names_of(AnyRow const& row) const { return facts_->names(row.get()); }

  AnyRow at(Positions const& index, std::string_view key) const {
    auto const found = index.find(key);
    return found == index.end() ? nullptr : rows_.at(found->second);
  }

  /// Replaces the row at a position.
  Undo assign(std::size_t position, AnyRow row) {
    Keys keys;  // of the old row
    Entries old;
    if (auto const before = rows_.at(position)) {
      if (has_references_) facts_->references(before.get(), keys);
      old.names.reserve(names_of(before).size());
      old.references.reserve(keys.size());
    }
    return exchange(position, row, row ? entries_of(row, position) : Entries(), std::move(old), &keys);
  }

  using Keys = std::vector<std::string>;
  Keys references_of(AnyRow const& row) const {
    Keys keys;
    facts_->references(row.get(), keys);
    return keys;
  }

  /// Allocates the entries of a row to be inserted. The keys are views into its record.
  Entries entries_of(AnyRow const& row, std::size_t position) {
    auto const& id = id_of(row);
    auto const& names = names_of(row);
    Entries made{.knows_prefix = has_prefixes_, .knows_references = has_references_};
    Positions places;
    auto const place = [&](std::string_view key) {
      return places.extract(places.emplace(key, position).first);
    };
    made.id = place(id);
    made.names.reserve(names.size());
    for (auto const& name : names) made.names.push_back(place(name));
    if (has_prefixes_ && has_prefix(id)) {
      Prefixes one{id};
      made.prefix = one.extract(one.begin());
    }
    if (has_references_) {
      References all;
      for (auto& key : references_of(row)) all.emplace(std::move(key), position);
      made.references.reserve(all.size());
      while (!all.empty()) made.references.push_back(all.extract(all.begin()));
    }
    make_room(by_id_, 1);
    make_room(by_name_, made.names.size());
    make_room(references_, made.references.size());
    return made;
  }
  template <class Map>
  static void make_room(Map& map, std::size_t more) {
    auto const wanted = map.size() + more;
    // Also at one bucket, which the first element replaces.
    if (static_cast<float>(wanted) >= map.max_load_factor() * static_cast<float>(map.bucket_count()))
      map.reserve(2 * wanted);
  }

  /// Changes one row and all indexes; all changes go through here. Allocates nothing.
  /// @param old   receives the entries of the present row, and has space for them
  /// @param keys  that row's references; null: they are searched for, in linear time
  Undo exchange(std::size_t position, AnyRow row, Entries fresh, Entries old, Keys const* keys) noexcept {
    auto before = rows_.exchange(position, nullptr);
    if (before) {
      --count_;
      old.knows_prefix = has_prefixes_;
      old.knows_references = has_references_;
      old.id = by_id_.extract(id_of(before));
      for (auto const& name : names_of(before))
        if (auto const found = by_name_.find(name); found != by_name_.end() && found->second == position)
          keep_or_drop(old.names, by_name_.extract(found));
      if (has_prefixes_) old.prefix = prefixes_.extract(id_of(before));
      if (keys == nullptr)
        std::erase_if(references_, [&](auto const& entry) { return entry.second == position; });
      for (auto const& key : keys != nullptr ? std::span(*keys) : std::span<std::string const>()) {
        auto const [first, last] = references_.equal_range(key);
        for (auto found = first; found != last; ++found)
          if (found->second == position) {
            keep_or_drop(old.references, references_.extract(found));
            break;
          }
      }
    }
    if (row) {
      ++count_;
      by_id_.insert(std::move(fresh.id));
      for (auto& name : fresh.names) {
        by_name_.erase(name.key());  // the key must be a view into the new holder
        by_name_.insert(std::move(name));
      }
      if (has_prefixes_ && fresh.prefix) prefixes_.insert(std::move(fresh.prefix));
      if (has_references_)
        for (auto& reference : fresh.references) references_.insert(std::move(reference));
      rows_.exchange(position, std::move(row));
    }
    rows_.trim();
    return {position, std::move(before), std::move(old)};
  }
  template <class Node>
  static void keep_or_drop(std::vector<Node>& nodes, Node node) noexcept {
    if (nodes.size() < nodes.capacity()) nodes.push_back(std::move(node));
  }

  void build_prefixes() const {
    std::scoped_lock const once(lazy_);
    if (has_prefixes_) return;
    Prefixes built;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (rows_.is_used(i) && has_prefix(rows_.id_at(i))) built.insert(rows_.id_at(i));
    prefixes_ = std::move(built);
    has_prefixes_ = true;
  }

  /// As in containers/storage, whose index of prefixes rejects ids with a blank.
  static bool has_prefix(std::string_view id) { return id.find(' ') == id.npos; }

  void build_references() const {
    std::scoped_lock const once(lazy_);
    if (has_references_) return;
    References built;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (auto const row = rows_.at(i))
        for (auto& key : references_of(row)) built.emplace(std::move(key), i);
    references_ = std::move(built);
    has_references_ = true;
  }

  void drop_lazy() noexcept {
    prefixes_.clear();
    references_.clear();
    has_prefixes_ = has_references_ = false;
  }

  RecordFacts const* facts_;
  RowList rows_;
  std::size_t count_ = 0;
  Positions by_id_;
  Positions by_name_;
  bool repeated_names_ = false;
  mutable std::mutex lazy_;  ///< several readers may build the lazy indexes at once
  mutable Prefixes prefixes_;
  mutable References references_;
  mutable bool has_prefixes_ = false;
  mutable bool has_references_ = false;
};

}  // namespace strata

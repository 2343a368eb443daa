#pragma once

#include <strata/error.hpp>
#include <strata/records/names.hpp>
#include <strata/records/row_list.hpp>
#include <strata/separate.hpp>
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

  void clear();

  /// Appends a row that is parsed when it is first asked for. It must have no names.
  /// @param text    `facts.id_in(text)` is its id
  /// @param source  keeps the text; the same for all texts until `clear`
  /// @return false, with nothing done, if there is a row of that id, or an index that needs more than the id.
  ///   After an exception only `clear` may be called
  bool put_text(std::string_view text, std::shared_ptr<void const> const& source);

  /// True if records that were `put` since the last `clear` had a name in common.
  bool repeated_names() const noexcept { return repeated_names_; }

  /// Reserves space for that number of rows; a hint.
  void reserve(std::size_t count);

  /// Drops names that occur twice in the list.
  void drop_repeated(names::List& list);

  /// As `put_row`, for a row that lost a name to another one.
  void put_poorer(AnyRow row);

  /// Inserts the row, or replaces the one with its id. No other row has its names. Strong exception
  /// guarantee.
  Undo put_row(AnyRow row);

  void erase(std::string_view id) { erase_row(id); }

  /// Strong exception guarantee.
  Undo erase_row(std::string_view id);

  /// Allocates nothing: the removed entries are reused.
  void undo(Undo step) noexcept;

  /// Undoes all steps, the last one first.
  void undo(std::vector<Undo>& steps) noexcept;

  /// Removes the positions of erased rows once they are the majority. Invalidates every outstanding `Undo`.
  void compact();

  std::size_t size() const noexcept { return count_; }

  /// The rows in order.
  RowList const& positions() const noexcept { return rows_; }

  AnyRow by_id(std::string_view id) const { return at(by_id_, id); }
  AnyRow by_name(std::string_view name) const { return at(by_name_, name); }

  /// Looks up an exact id, an exact name, the additional key, then a unique prefix of an id. Null if there is
  /// none.
  AnyRow find(std::string_view text) const;

  /// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, whose holder is the item that has the name
  void check_free(Subject subject, std::string_view id, names::List const& wanted) const;

  /// Rows whose record mentions this id or digest, in order.
  std::vector<AnyRow> referring_to(std::string_view key) const;

 private:
  std::string const& id_of(AnyRow const& row) const { return facts_->id(row.get()); }
  names::List const& names_of(AnyRow const& row) const { return facts_->names(row.get()); }

  AnyRow at(Positions const& index, std::string_view key) const;

  /// Replaces the row at a position.
  Undo assign(std::size_t position, AnyRow row);

  using Keys = std::vector<std::string>;
  Keys references_of(AnyRow const& row) const;

  /// Allocates the entries of a row to be inserted. The keys are views into its record.
  Entries entries_of(AnyRow const& row, std::size_t position);
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
  Undo exchange(std::size_t position, AnyRow row, Entries fresh, Entries old, Keys const* keys) noexcept;
  template <class Node>
  static void keep_or_drop(std::vector<Node>& nodes, Node node) noexcept {
    if (nodes.size() < nodes.capacity()) nodes.push_back(std::move(node));
  }

  void build_prefixes() const;

  /// As in containers/storage, whose index of prefixes rejects ids with a blank.
  static bool has_prefix(std::string_view id) { return id.find(' ') == id.npos; }

  void build_references() const;

  void drop_lazy() noexcept;

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/row_index.ipp>
#endif

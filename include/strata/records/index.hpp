#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/id.hpp>
#include <strata/records/names.hpp>
#include <strata/records/row_index.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// The records of one kind in memory, in the order of creation, with look-ups.
///
/// Rows are immutable and shared: one that was returned stays valid. Look-ups by id and name are O(1); the
/// indexes of prefixes and references are built at first use and maintained from then on. Any number of
/// threads may read; changes need exclusive access, which `Table` provides.
template <ItemTraits Traits>
class Index : private RowIndex {
 public:
  using Record = typename Traits::Record;
  using RowIndex::clear;
  using RowIndex::compact;
  using RowIndex::repeated_names;
  using RowIndex::reserve;
  using RowIndex::size;
  using RowIndex::Undo;
  using RowIndex::undo;

  Index() : RowIndex(facts) {}

  /// Inserts the record, or replaces the one with its id. A name that another record holds moves to this one;
  /// a name that occurs twice in the record is dropped (both as in containers/storage when it loads).
  void put(Record&& record) {
    drop_repeated(record.names);
    for (auto const& name : record.names)
      if (auto const holder = by_name(name); holder && holder->id != record.id) {
        Record poorer = *holder;
        std::erase(poorer.names, name);
        put_poorer(std::make_shared<Record const>(std::move(poorer)));
      }
    put_row(std::make_shared<Record const>(std::move(record)));
  }

  /// As `put`, for a row whose names no other record holds. Strong exception guarantee.
  Undo put_row(Row<Record> row) { return RowIndex::put_row(std::move(row)); }

  void erase(std::string_view id) { RowIndex::erase_row(id); }
  /// Strong exception guarantee.
  Undo erase_row(std::string_view id) { return RowIndex::erase_row(id); }

  /// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, whose holder is the item that has the name
  void check_free(std::string_view id, names::List const& wanted) const {
    RowIndex::check_free(Traits::subject, id, wanted);
  }

  /// The row before that step; null if there was none.
  static Row<Record> before(Undo const& step) { return typed(step.before); }

  /// All rows in order. O(n).
  std::vector<Row<Record>> rows() const {
    std::vector<Row<Record>> out;
    out.reserve(size());
    for (std::size_t i = 0; i < positions().size(); ++i)
      if (auto row = positions().at(i)) out.push_back(typed(row));
    return out;
  }

  static constexpr bool keeps_texts = TextKeepingSerializerFor<typename Traits::Serializer, Record>;

  /// As `put`, for a record that need not be made a row until it is asked for: one without names and flags.
  /// @param text    of the record, or empty
  /// @param source  keeps the text
  /// @return false, with nothing done, if it has to be put as a record
  bool put_text(Record const& record, std::string_view text,
                std::shared_ptr<void const> const& source) requires(keeps_texts) {
    return !text.empty() && record.names.empty() && record.flags.empty() &&
           Traits::Serializer::id_in(text) == record.id && RowIndex::put_text(text, source);
  }

  /// All rows in order, with the texts of those that stayed as they were read. The texts are valid until the
  /// next change. O(n).
  std::vector<KeptRow<Record>> kept_rows() const requires(keeps_texts) {
    std::vector<KeptRow<Record>> out;
    out.reserve(size());
    for (std::size_t i = 0; i < positions().size(); ++i)
      if (auto const text = positions().text_at(i); !text.empty())
        out.push_back({nullptr, text});
      else if (auto row = positions().at(i))
        out.push_back({typed(row), {}});
    return out;
  }

  /// True if `wanted` is true for a record. O(n).
  template <class Wanted>
  bool any_of(Wanted&& wanted) const {
    for (std::size_t i = 0; i < positions().size(); ++i)
      if (auto const row = positions().at(i); row && wanted(record(row.get()))) return true;
    return false;
  }

  /// The same, for what is true only of records with flags. Parses no further row.
  template <class Wanted>
  bool any_flagged(Wanted&& wanted) const {
    for (std::size_t i = 0; i < positions().size(); ++i)
      if (auto const row = positions().text_at(i).empty() ? positions().at(i) : nullptr;
          row && wanted(record(row.get())))
        return true;
    return false;
  }

  Row<Record> by_id(std::string_view id) const { return typed(RowIndex::by_id(id)); }
  Row<Record> by_name(std::string_view name) const { return typed(RowIndex::by_name(name)); }

  /// Looks up an exact id, an exact name, the key of `Traits::also_known_as`, then a unique prefix of an id.
  /// Null if there is none.
  Row<Record> find(std::string_view text) const { return typed(RowIndex::find(text)); }

  /// Rows whose record mentions this id or digest (`Traits::refers_to`), in order.
  std::vector<Row<Record>> referring_to(std::string_view key) const {
    std::vector<Row<Record>> out;
    for (auto const& row : RowIndex::referring_to(key)) out.push_back(typed(row));
    return out;
  }

 private:
  static Row<Record> typed(AnyRow const& row) { return std::static_pointer_cast<Record const>(row); }
  static Record const& record(void const* row) { return *static_cast<Record const*>(row); }

  static constexpr RecordFacts facts = [] {
    RecordFacts out{
        [](void const* row) -> std::string const& { return record(row).id; },
        [](void const* row) -> names::List const& { return record(row).names; },
        [](void const* row, std::string_view text) { return Traits::also_known_as(record(row)) == text; },
        [](void const* row, std::vector<std::string>& to) {
          Traits::refers_to(record(row), [&](std::string const& key) { to.push_back(key); });
        }};
    if constexpr (keeps_texts) {
      out.id_in = [](std::string_view text) { return Traits::Serializer::id_in(text); };
      out.parse = [](std::string_view text) -> AnyRow {
        return std::make_shared<Record const>(Traits::Serializer::template read_text<Record>(text));
      };
    }
    return out;
  }();
};

}  // namespace strata

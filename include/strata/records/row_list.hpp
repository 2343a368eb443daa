#pragma once

#include <strata/records/names.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// A row without its record type.
using AnyRow = std::shared_ptr<void const>;

/// Functions by which an index reads its records.
struct RecordFacts {
  std::string const& (*id)(void const* record);
  names::List const& (*names)(void const* record);
  bool (*also_known_as)(void const* record, std::string_view text);  ///< is `text` its additional key?
  /// Appends the ids and digests that the record mentions.
  void (*references)(void const* record, std::vector<std::string>& to);
  /// Of rows that are kept as texts; null if there are none.
  std::string_view (*id_in)(std::string_view text) = nullptr;
  AnyRow (*parse)(std::string_view text) = nullptr;
};

/// Rows by position. A row may be the text that it was read as, until it is first asked for; the text stays
/// until the row is replaced. Any number of threads may read; changes need exclusive access.
class RowList {
 public:
  explicit RowList(RecordFacts const& facts) : facts_(&facts) {}

  void clear();
  void reserve(std::size_t count) { rows_.reserve(count); }

  /// Number of positions, including those of erased rows.
  std::size_t size() const noexcept { return rows_.size(); }

  /// Null if it was erased. Parses it if need be.
  AnyRow at(std::size_t position) const;

  /// Text of a row that is as it was read; empty for others. Valid until the next change.
  std::string_view text_at(std::size_t position) const noexcept;

  bool is_used(std::size_t position) const noexcept;

  /// Id of the row at a position that is used. Valid as long as the row is in the list.
  std::string_view id_at(std::size_t position) const;

  /// Appends an empty position.
  void push() { rows_.emplace_back(); }
  void pop() noexcept { rows_.pop_back(); }

  /// @param source  keeps the text; the same for all texts until `clear`
  void push_text(std::string_view text, std::shared_ptr<void const> const& source);

  /// Sets the size to one that it had before.
  void resize(std::size_t size) { rows_.resize(size); }

  /// Replaces a row that is not a text alone: `at` was called. @return the former row
  AnyRow exchange(std::size_t position, AnyRow row) noexcept;

  /// Drops erased rows at the end. Those in the middle keep their positions, which may be stored elsewhere.
  void trim() noexcept;

  /// Removes erased rows. @return the new positions by old ones
  std::vector<std::size_t> compact();

 private:
  RecordFacts const* facts_;
  mutable std::vector<AnyRow> rows_;     ///< null where one was erased, or is not parsed yet
  std::vector<std::string_view> texts_;  ///< as far as there are any; empty: none
  std::shared_ptr<void const> source_;   ///< of the texts
  mutable std::mutex parsing_;           ///< several readers may parse rows at once
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/row_list.ipp>
#endif

#pragma once

#include <strata/records/names.hpp>

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

  void clear() {
    rows_.clear();
    texts_.clear();
    source_.reset();
  }
  void reserve(std::size_t count) { rows_.reserve(count); }

  /// Number of positions, including those of erased rows.
  std::size_t size() const noexcept { return rows_.size(); }

  /// Null if it was erased. Parses it if need be.
  AnyRow at(std::size_t position) const {
    if (texts_.empty()) return rows_[position];
    std::scoped_lock const once(parsing_);
    auto& row = rows_[position];
    if (auto const text = text_at(position); !row && !text.empty()) row = facts_->parse(text);
    return row;
  }

  /// Text of a row that is as it was read; empty for others. Valid until the next change.
  std::string_view text_at(std::size_t position) const noexcept {
    return position < texts_.size() ? texts_[position] : std::string_view();
  }

  bool is_used(std::size_t position) const noexcept {
    return !text_at(position).empty() || rows_[position] != nullptr;
  }

  /// Id of the row at a position that is used. Valid as long as the row is in the list.
  std::string_view id_at(std::size_t position) const {
    auto const text = text_at(position);
    return text.empty() ? facts_->id(rows_[position].get()) : facts_->id_in(text);
  }

  /// Appends an empty position.
  void push() { rows_.emplace_back(); }
  void pop() noexcept { rows_.pop_back(); }

  /// @param source  keeps the text; the same for all texts until `clear`
  void push_text(std::string_view text, std::shared_ptr<void const> const& source) {
    source_ = source;
    texts_.resize(rows_.size());
    texts_.push_back(text);
    rows_.emplace_back();
  }

  /// Sets the size to one that it had before.
  void resize(std::size_t size) { rows_.resize(size); }

  /// Replaces a row that is not a text alone: `at` was called. @return the former row
  AnyRow exchange(std::size_t position, AnyRow row) noexcept {
    if (position < texts_.size()) texts_[position] = {};
    return std::exchange(rows_[position], std::move(row));
  }

  /// Drops erased rows at the end. Those in the middle keep their positions, which may be stored elsewhere.
  void trim() noexcept {
    while (!rows_.empty() && !is_used(rows_.size() - 1)) rows_.pop_back();
    if (texts_.size() > rows_.size()) texts_.resize(rows_.size());
  }

  /// Removes erased rows. @return the new positions by old ones
  std::vector<std::size_t> compact() {
    std::vector<std::size_t> to(rows_.size());  // the only allocation
    std::size_t next = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      to[i] = next;
      if (!is_used(i)) continue;
      if (next != i) rows_[next] = std::move(rows_[i]);
      if (next < texts_.size()) texts_[next] = text_at(i);  // also that of a row without one
      ++next;
    }
    rows_.resize(next);
    if (texts_.size() > next) texts_.resize(next);
    return to;
  }

 private:
  RecordFacts const* facts_;
  mutable std::vector<AnyRow> rows_;     ///< null where one was erased, or is not parsed yet
  std::vector<std::string_view> texts_;  ///< as far as there are any; empty: none
  std::shared_ptr<void const> source_;   ///< of the texts
  mutable std::mutex parsing_;           ///< several readers may parse rows at once
};

}  // namespace strata

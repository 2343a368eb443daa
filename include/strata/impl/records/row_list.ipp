#pragma once

#include <strata/records/row_list.hpp>

namespace strata {

STRATA_INLINE void RowList::clear() {
  rows_.clear();
  texts_.clear();
  source_.reset();
}

STRATA_INLINE AnyRow RowList::at(std::size_t position) const {
  if (texts_.empty()) return rows_[position];
  std::scoped_lock const once(parsing_);
  auto& row = rows_[position];
  if (auto const text = text_at(position); !row && !text.empty()) row = facts_->parse(text);
  return row;
}

STRATA_INLINE std::string_view RowList::text_at(std::size_t position) const noexcept {
  return position < texts_.size() ? texts_[position] : std::string_view();
}

STRATA_INLINE bool RowList::is_used(std::size_t position) const noexcept {
  return !text_at(position).empty() || rows_[position] != nullptr;
}

STRATA_INLINE std::string_view RowList::id_at(std::size_t position) const {
  auto const text = text_at(position);
  return text.empty() ? facts_->id(rows_[position].get()) : facts_->id_in(text);
}

STRATA_INLINE void RowList::push_text(std::string_view text, std::shared_ptr<void const> const& source) {
  source_ = source;
  texts_.resize(rows_.size());
  texts_.push_back(text);
  rows_.emplace_back();
}

STRATA_INLINE AnyRow RowList::exchange(std::size_t position, AnyRow row) noexcept {
  if (position < texts_.size()) texts_[position] = {};
  return std::exchange(rows_[position], std::move(row));
}

STRATA_INLINE void RowList::trim() noexcept {
  while (!rows_.empty() && !is_used(rows_.size() - 1)) rows_.pop_back();
  if (texts_.size() > rows_.size()) texts_.resize(rows_.size());
}

STRATA_INLINE std::vector<std::size_t> RowList::compact() {
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

}  // namespace strata

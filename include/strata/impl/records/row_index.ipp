#pragma once

#include <strata/records/row_index.hpp>

namespace strata {

STRATA_INLINE void RowIndex::clear() {
  rows_.clear();
  count_ = 0;
  by_id_.clear();
  by_name_.clear();
  repeated_names_ = false;
  drop_lazy();
}

STRATA_INLINE bool RowIndex::put_text(std::string_view text, std::shared_ptr<void const> const& source) {
  if (has_prefixes_ || has_references_) return false;
  if (!by_id_.try_emplace(facts_->id_in(text), rows_.size()).second) return false;
  rows_.push_text(text, source);
  ++count_;
  return true;
}

STRATA_INLINE void RowIndex::reserve(std::size_t count) {
  rows_.reserve(count);
  by_id_.reserve(count);
}

STRATA_INLINE void RowIndex::drop_repeated(names::List& list) {
  names::List const all = list;
  if (std::erase_if(list, [&](std::string const& name) { return std::ranges::count(all, name) > 1; }) > 0)
    repeated_names_ = true;
}

STRATA_INLINE void RowIndex::put_poorer(AnyRow row) {
  repeated_names_ = true;
  put_row(std::move(row));
}

STRATA_INLINE auto RowIndex::put_row(AnyRow row) -> Undo {
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

STRATA_INLINE auto RowIndex::erase_row(std::string_view id) -> Undo {
  auto const found = by_id_.find(id);
  if (found == by_id_.end()) return {static_cast<std::size_t>(-1), nullptr};
  return assign(found->second, nullptr);
}

STRATA_INLINE void RowIndex::undo(Undo step) noexcept {
  if (step.position >= rows_.size()) {
    if (!step.before) return;
    rows_.resize(step.position + 1);  // the previous size
  }
  auto const& old = step.entries;
  if (step.before && ((has_prefixes_ && !old.knows_prefix) || (has_references_ && !old.knows_references)))
    drop_lazy();  // it was built in between
  exchange(step.position, std::move(step.before), std::move(step.entries), {}, nullptr);
}

STRATA_INLINE void RowIndex::undo(std::vector<Undo>& steps) noexcept {
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) undo(std::move(*step));
  steps.clear();
}

STRATA_INLINE void RowIndex::compact() {
  if (rows_.size() < 64 || count_ > rows_.size() / 2) return;
  auto const to = rows_.compact();
  for (auto& [id, position] : by_id_) position = to[position];
  for (auto& [name, position] : by_name_) position = to[position];
  for (auto& [key, position] : references_) position = to[position];
}

STRATA_INLINE AnyRow RowIndex::find(std::string_view text) const {
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

STRATA_INLINE void RowIndex::check_free(Subject subject, std::string_view id,
                                        names::List const& wanted) const {
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

STRATA_INLINE std::vector<AnyRow> RowIndex::referring_to(std::string_view key) const {
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

STRATA_INLINE AnyRow RowIndex::at(Positions const& index, std::string_view key) const {
  auto const found = index.find(key);
  return found == index.end() ? nullptr : rows_.at(found->second);
}

STRATA_INLINE auto RowIndex::assign(std::size_t position, AnyRow row) -> Undo {
  Keys keys;  // of the old row
  Entries old;
  if (auto const before = rows_.at(position)) {
    if (has_references_) facts_->references(before.get(), keys);
    old.names.reserve(names_of(before).size());
    old.references.reserve(keys.size());
  }
  return exchange(position, row, row ? entries_of(row, position) : Entries(), std::move(old), &keys);
}

STRATA_INLINE auto RowIndex::references_of(AnyRow const& row) const -> Keys {
  Keys keys;
  facts_->references(row.get(), keys);
  return keys;
}

STRATA_INLINE auto RowIndex::entries_of(AnyRow const& row, std::size_t position) -> Entries {
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

STRATA_INLINE auto RowIndex::exchange(std::size_t position, AnyRow row, Entries fresh, Entries old,
                                      Keys const* keys) noexcept -> Undo {
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

STRATA_INLINE void RowIndex::build_prefixes() const {
  std::scoped_lock const once(lazy_);
  if (has_prefixes_) return;
  Prefixes built;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_.is_used(i) && has_prefix(rows_.id_at(i))) built.insert(rows_.id_at(i));
  prefixes_ = std::move(built);
  has_prefixes_ = true;
}

STRATA_INLINE void RowIndex::build_references() const {
  std::scoped_lock const once(lazy_);
  if (has_references_) return;
  References built;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (auto const row = rows_.at(i))
      for (auto& key : references_of(row)) built.emplace(std::move(key), i);
  references_ = std::move(built);
  has_references_ = true;
}

STRATA_INLINE void RowIndex::drop_lazy() noexcept {
  prefixes_.clear();
  references_.clear();
  has_prefixes_ = has_references_ = false;
}

}  // namespace strata

#pragma once

#include <strata/serializers/json_slot.hpp>

namespace strata::serializers::json::detail {

STRATA_INLINE bool same_key(std::string_view ours, std::string_view theirs) noexcept {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::size_t at = 0;
  for (char const c : ours) {
    auto const rest = theirs.substr(at);
    if (c == 's' && rest.starts_with("\xC5\xBF"))
      at += 2;
    else if (c == 'k' && rest.starts_with("\xE2\x84\xAA"))
      at += 3;
    else if (!rest.empty() && lower(rest[0]) == c)
      at += 1;
    else
      return false;
  }
  return at == theirs.size();
}

STRATA_INLINE OpenSlot::OpenSlot(Slot of) : slot(of) {
  if (of.takes->fields == nullptr) return;
  auto const& all = of.takes->fields();
  first = next = all.data();
  last = first + all.size();
}

STRATA_INLINE Slot OpenSlot::member(std::string_view key) {
  for (auto field = next; field != last; ++field)
    if (field->key == key) {
      next = field + 1;
      return at(*field);
    }
  for (auto field = first; field != next; ++field)
    if (field->key == key) return at(*field);
  for (auto field = first; field != last; ++field)
    if (same_key(field->key, key)) return at(*field);
  return slot.takes->entry != nullptr ? slot.takes->entry(slot.place, key) : Slot{};
}

STRATA_INLINE Slot OpenSlot::at(Field const& field) const noexcept {
  return {static_cast<char*>(slot.place) + field.offset, field.takes};
}

STRATA_INLINE bool take_time(void* place, std::string_view text) {
  auto const take = [&](std::string_view time) {
    try {
      as<Timestamp>(place) = Timestamp::parse(time);
    } catch (Error const&) {
      return false;
    }
    return true;
  };
  return take(text) || take(std::string(text) + 'Z');
}

}  // namespace strata::serializers::json::detail

#pragma once

#include <strata/concepts/traits.hpp>
#include <strata/records/record.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

/// What ties a record to its item's files and to other items, which an edit must not change.
namespace strata::detail {

/// Key of the first of the record's own fields in which two records differ and that `T::may_edit` does not
/// list; empty if there is none. Linear in the size of the records.
template <class T, class Record>
std::string changed_fixed_field(Record const& before, Record const& after) {
  std::vector<void const*> members;
  Record::fields(before, [&](std::string_view, auto const& member, Presence) { members.push_back(&member); });
  std::string changed;
  std::size_t at = 0;
  Record::fields(after, [&](std::string_view key, auto const& member, Presence) {
    using Member = std::remove_cvref_t<decltype(member)>;
    bool const same = *static_cast<Member const*>(members[at++]) == member;  // the same call, the same order
    if (!same && changed.empty() && !T::may_edit(key)) changed = key;
  });
  return changed;
}

/// Keys by which other items find this one's record, by fields of a user's own, too.
template <class T, class Record>
std::vector<std::string> reference_keys(Record const& record) {
  std::vector<std::string> keys;
  T::refers_to(record, [&](std::string const& key) { keys.push_back(key); });
  keys.emplace_back(T::layer_of(record));
  return keys;
}

/// What an edit changed although it must not: the key of a field, or another word for it; empty if nothing.
template <class T, class Record>
std::string changed_tie(Record const& before, Record const& after) {
  if (auto const field = changed_fixed_field<T>(before, after); !field.empty()) return field;
  if constexpr (requires { after.place; })
    if (before.place != after.place) return "place";
  std::string const flag(T::fixed_flag);
  if (!flag.empty() && is_set(before.flags, flag) != is_set(after.flags, flag)) return "flags, " + flag;
  return reference_keys<T>(before) == reference_keys<T>(after) ? std::string() : "references";
}

/// The record as the next reader finds it: a key of `extra` can be that of a field.
template <class Serializer, class Record>
Record as_read_again(Record const& record) {
  Row<Record> const row = std::make_shared<Record const>(record);
  auto const bytes = Serializer::encode(std::span(&row, 1), std::span<std::string const>());
  auto again = Serializer::template decode<Record>(bytes).records;
  if (again.size() != 1) return {};
  if constexpr (requires { record.place; }) again.front().place = record.place;  // given by the file
  return std::move(again.front());
}

}  // namespace strata::detail

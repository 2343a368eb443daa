#pragma once

#include <strata/error.hpp>
#include <strata/records/record.hpp>
#include <strata/separate.hpp>
#include <strata/timestamp.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Destinations for parsed values: members of records, array elements, map entries. A slot knows its type at
/// run time, so that the parser is compiled once, not for each record type.
namespace strata::serializers::json {

namespace detail {

struct IgnoreField {
  void operator()(std::string_view, auto&, Presence) const {}
};

struct Takes;

}  // namespace detail

/// Records, and structures nested in them.
template <class T>
concept HasFields = requires(T& value) {
  T::fields(value, detail::IgnoreField{});
};

/// A destination. Without `takes`, the value is skipped.
struct Slot {
  void* place = nullptr;
  detail::Takes const* takes = nullptr;
};

/// Slot for `value`: a record, or any type that `Record::fields` may list.
template <class T>
Slot slot_of(T& value) noexcept;

namespace detail {

/// A member, by its offset.
struct Field {
  std::string key;
  std::ptrdiff_t offset;
  Takes const* takes;
};

/// How a type accepts each kind of value. Null: a value of that kind makes the record unreadable. As in Go,
/// JSON's `null` leaves a member unchanged.
struct Takes {
  bool (*text)(void* place, std::string_view value) = nullptr;
  bool (*integer)(void* place, std::int64_t value) = nullptr;
  void (*clear)(void* place) = nullptr;                        ///< beginning of an array
  Slot (*element)(void* place) = nullptr;                      ///< slot for one more element
  std::vector<Field> const& (*fields)() = nullptr;             ///< of an object with fixed keys
  Slot (*entry)(void* place, std::string_view key) = nullptr;  ///< of an object with arbitrary keys
  std::string RawJson::*raw = nullptr;                         ///< any value, as text
};

template <class T>
T& as(void* place) noexcept {
  return *static_cast<T*>(place);
}

/// Compares keys as Go does: case-insensitively, including U+017F (s) and U+212A (k).
bool same_key(std::string_view ours, std::string_view theirs) noexcept;

/// An object being read: its slot, and the expected next key.
struct OpenSlot {
  Slot slot = {};
  Field const* first = nullptr;
  Field const* next = nullptr;
  Field const* last = nullptr;

  explicit OpenSlot(Slot of);

  /// Slot for a key. Keys are usually in the order of the fields, so the search starts after the last one;
  /// failing that, exact matches precede case-insensitive ones.
  Slot member(std::string_view key);

 private:
  Slot at(Field const& field) const noexcept;
};

template <HasFields T>
std::vector<Field> const& fields_of() {
  static std::vector<Field> const all = [] {
    std::vector<Field> out;
    T sample{};
    T::fields(sample, [&](std::string_view key, auto& member, Presence) {
      auto const [place, takes] = slot_of(member);
      out.push_back({std::string(key), static_cast<char*>(place) - reinterpret_cast<char*>(&sample), takes});
    });
    return out;
  }();
  return all;
}

/// Go accepts a time without a zone as unset; strata takes it as UTC, the zone of all times that are written.
bool take_time(void* place, std::string_view text);

template <class T>
struct TakesOf;

template <>
struct TakesOf<std::string> {
  static bool text(void* place, std::string_view value) {
    as<std::string>(place) = std::string(value);  // cheaper than `assign`, as the target is usually empty
    return true;
  }
  static constexpr Takes takes{.text = text};
};

template <>
struct TakesOf<Timestamp> {
  static constexpr Takes takes{.text = take_time};
};

template <>
struct TakesOf<RawJson> {
  static constexpr Takes takes{.raw = &RawJson::text};
};

template <std::integral T>
struct TakesOf<T> {
  static bool integer(void* place, std::int64_t value) {
    if (!std::in_range<T>(value)) return false;
    as<T>(place) = static_cast<T>(value);
    return true;
  }
  static constexpr Takes takes{.integer = integer};
};

template <class T>
struct TakesOf<std::vector<T>> {
  static void clear(void* place) {
    auto& values = as<std::vector<T>>(place);
    values.clear();
    if constexpr (std::integral<T>) values.reserve(16 / sizeof(T));  // one allocation for typical lists
  }
  static Slot element(void* place) { return slot_of(as<std::vector<T>>(place).emplace_back()); }
  static constexpr Takes takes{.clear = clear, .element = element};
};

template <class T>
struct TakesOf<std::map<std::string, T>> {
  static Slot entry(void* place, std::string_view key) {
    return slot_of(as<std::map<std::string, T>>(place)[std::string(key)]);
  }
  static constexpr Takes takes{.entry = entry};
};

template <HasFields T>
struct TakesOf<T> {
  static Slot unknown(void* place, std::string_view key) {
    if constexpr (requires(T & value) { value.extra; })
      return slot_of(as<T>(place).extra.emplace_back(key, RawJson{}).second);
    else
      return {};
  }
  static constexpr Takes takes{.fields = fields_of<T>, .entry = unknown};
};

}  // namespace detail

template <class T>
Slot slot_of(T& value) noexcept {
  return {&value, &detail::TakesOf<T>::takes};
}

}  // namespace strata::serializers::json

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_slot.ipp>
#endif

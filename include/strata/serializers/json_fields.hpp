#pragma once

#include <strata/records/record.hpp>
#include <strata/serializers/json_reader.hpp>
#include <strata/serializers/json_slot.hpp>
#include <strata/serializers/json_text.hpp>
#include <strata/timestamp.hpp>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Writes records as JSON objects: the members that `Record::fields` lists, in that order, then `extra`.
namespace strata::serializers::json {

namespace detail {

template <class T>
bool is_empty(T const& value) {
  if constexpr (std::integral<T>)
    return value == 0;
  else if constexpr (requires { value.empty(); })
    return value.empty();
  else
    return value == T{};
}

/// Writes `,"key":` in one append, since a record has a dozen of them.
inline void write_key(std::string& out, char separator, std::string_view key) {
  char text[64];
  std::size_t const size = key.size() + 4;
  if (size > sizeof text) {
    out += separator;
    out.append(1, '"').append(key).append("\":");
    return;
  }
  text[0] = separator;
  text[1] = '"';
  std::memcpy(text + 2, key.data(), key.size());
  text[size - 2] = '"';
  text[size - 1] = ':';
  out.append(text, size);
}

}  // namespace detail

inline void write_value(std::string& out, std::string const& value, BadUtf8 bad) {
  write_string(out, value, bad);
}

template <std::integral T>
void write_value(std::string& out, T value, BadUtf8) {
  char text[24];
  auto const done = std::to_chars(text, text + sizeof text, value);
  out.append(text, done.ptr);
}

inline void write_value(std::string& out, Timestamp const& value, BadUtf8) {
  out += '"';
  value.append_to(out);
  out += '"';
}

/// @throws `Errc::corrupt_record` if the text is not one JSON value, which would make the whole file
///   unreadable
inline void write_value(std::string& out, RawJson const& value, BadUtf8 bad) {
  out += read_raw(value.text, bad);
}

template <HasFields T>
void write_value(std::string& out, T const& value, BadUtf8 bad);

template <class T>
void write_value(std::string& out, std::vector<T> const& values, BadUtf8 bad) {
  char separator = '[';
  for (auto const& value : values) {
    out += separator;
    write_value(out, value, bad);
    separator = ',';
  }
  if (values.empty()) out += '[';
  out += ']';
}

template <class T>
void write_value(std::string& out, std::map<std::string, T> const& values, BadUtf8 bad) {
  char separator = '{';
  for (auto const& [key, value] : values) {
    out += separator;
    write_string(out, key, bad);
    out += ':';
    write_value(out, value, bad);
    separator = ',';
  }
  if (values.empty()) out += '{';
  out += '}';
}

/// A record, or a structure nested in one.
template <HasFields T>
void write_value(std::string& out, T const& value, BadUtf8 bad) {
  char separator = '{';
  T::fields(value, [&](std::string_view key, auto const& member, Presence presence) {
    if (presence == Presence::when_set && detail::is_empty(member)) return;
    detail::write_key(out, separator, key);
    write_value(out, member, bad);
    separator = ',';
  });
  if constexpr (requires { value.extra; })
    for (auto const& [key, member] : value.extra) {
      out += separator;
      write_string(out, key, bad);
      out += ':';
      write_value(out, member, bad);
      separator = ',';
    }
  if (separator == '{') out += '{';
  out += '}';
}

}  // namespace strata::serializers::json

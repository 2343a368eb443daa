#pragma once

#include <strata/records/record.hpp>
#include <strata/separate.hpp>
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
void write_key(std::string& out, char separator, std::string_view key);

}  // namespace detail

void write_value(std::string& out, std::string const& value, BadUtf8 bad);

template <std::integral T>
void write_value(std::string& out, T value, BadUtf8) {
  char text[24];
  auto const done = std::to_chars(text, text + sizeof text, value);
  out.append(text, done.ptr);
}

void write_value(std::string& out, Timestamp const& value, BadUtf8);

/// @throws `Errc::corrupt_record` if the text is not one JSON value, which would make the whole file
///   unreadable
void write_value(std::string& out, RawJson const& value, BadUtf8 bad);

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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_fields.ipp>
#endif

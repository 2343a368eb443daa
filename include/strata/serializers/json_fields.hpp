#pragma once

#include <strata/error.hpp>
#include <strata/item/record.hpp>
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

/// Records as JSON objects, field by field: the members that `Record::fields` lists, in that order, then `extra`.
namespace strata::serializers::json {

namespace detail {

/// As Go compares keys of objects: without regard to case, which takes in U+017F (s) and U+212A (k).
inline bool same_key(std::string_view ours, std::string_view theirs) noexcept {
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

template <class T>
bool is_empty(T const& value) {
  if constexpr (std::integral<T>)
    return value == 0;
  else if constexpr (requires { value.empty(); })
    return value.empty();
  else
    return value == T{};
}

/// One append for all of `,"key":`, as there are a dozen of them in a record.
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

struct IgnoreField {
  void operator()(std::string_view, auto&, Presence) const {}
};

}  // namespace detail

/// Records, and the structures in them.
template <class T>
concept HasFields = requires(T& value) {
  T::fields(value, detail::IgnoreField{});
};

// Writing.

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

/// @throws `Errc::corrupt_record` if the text is not one JSON value: it would make the whole file unreadable
inline void write_value(std::string& out, RawJson const& value, BadUtf8 bad) {
  Scanner check(value.text, bad);
  std::string compact;
  check.read_raw(compact);
  if (!check.at_end()) check.fail("end of the value");
  out += compact;
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

/// A record, or one of the structures in it.
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

// Reading. `null` leaves a member as it was, as in Go. A value of another type: `WrongType`.

inline void read_value(Scanner& in, std::string& value) {
  if (in.take_null()) return;
  std::string scratch;
  value.assign(in.read_string(scratch));
}

template <std::integral T>
void read_value(Scanner& in, T& value) {
  if (!in.take_null()) value = in.read_integer<T>();
}

inline void read_value(Scanner& in, Timestamp& value) {
  if (in.take_null()) return;
  std::string scratch;
  auto const text = in.read_string(scratch);
  try {
    value = Timestamp::parse(text);
  } catch (Error const&) {
    throw WrongType{};
  }
}

inline void read_value(Scanner& in, RawJson& value) { in.read_raw(value.text); }

template <HasFields T>
void read_value(Scanner& in, T& value);

template <class T>
void read_value(Scanner& in, std::vector<T>& values) {
  if (in.take_null()) return;
  if (in.peek() != '[') throw WrongType{};
  in.expect('[');
  values.clear();
  if (in.take(']')) return;
  if constexpr (std::integral<T>) values.reserve(16 / sizeof(T));  // one allocation for the usual few
  do read_value(in, values.emplace_back());
  while (in.take(','));
  in.expect(']');
}

template <class T>
void read_value(Scanner& in, std::map<std::string, T>& values) {
  if (in.take_null()) return;
  if (in.peek() != '{') throw WrongType{};
  in.expect('{');
  if (in.take('}')) return;
  do {
    if (in.peek() != '"') in.fail("key");
    std::string scratch;
    std::string key(in.read_string(scratch));
    in.expect(':');
    read_value(in, values[std::move(key)]);
  } while (in.take(','));
  in.expect('}');
}

/// A record, or one of the structures in it. Keys that it does not have go to `extra`, if it has that.
///
/// Keys usually come in the order in which they are written, so one run over the fields reads an object; what is
/// not found in that way is looked up on its own.
template <HasFields T>
void read_value(Scanner& in, T& value) {
  if (in.take_null()) return;
  if (in.peek() != '{') throw WrongType{};
  in.expect('{');
  if (in.take('}')) return;
  for (bool more = true; more;) {
    bool found = false;
    T::fields(value, [&](std::string_view key, auto& member, Presence) {
      if (!more || !in.take_key(key)) return;
      read_value(in, member);
      found = true;
      more = in.take(',');
    });
    if (found) continue;
    if (in.peek() != '"') in.fail("key");
    std::string scratch;
    std::string name(in.read_string(scratch));
    in.expect(':');
    auto const read_if = [&](auto const& same) {
      T::fields(value, [&](std::string_view key, auto& member, Presence) {
        if (found || !same(key)) return;
        found = true;
        read_value(in, member);
      });
    };
    read_if([&](std::string_view key) { return key == name; });
    if (!found) read_if([&](std::string_view key) { return detail::same_key(key, name); });
    if (!found) {
      RawJson unknown;
      in.read_raw(unknown.text);
      if constexpr (requires { value.extra; }) value.extra.emplace_back(std::move(name), std::move(unknown));
    }
    more = in.take(',');
  }
  in.expect('}');
}

}  // namespace strata::serializers::json

#pragma once

#include <strata/records/record.hpp>
#include <strata/serializers/json_text.hpp>
#include <strata/timestamp.hpp>

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// JSON as Go's encoding/json prints it: compact, members in declaration order, keys of maps in bytewise order, and
/// `<`, `>`, `&` escaped, so that scripts made for the Go program see the same bytes.
namespace oci_storage::json {

inline void append(std::string& out, std::string_view text) {
  strata::serializers::json::write_string(out, text);
}
inline void append(std::string& out, std::string const& text) { append(out, std::string_view(text)); }
inline void append(std::string& out, char const* text) { append(out, std::string_view(text)); }

inline void append(std::string& out, bool value) { out += value ? "true" : "false"; }
template <std::integral N>
requires(!std::same_as<N, bool>) void append(std::string& out, N number) { out += std::to_string(number); }

inline void append(std::string& out, strata::Timestamp const& time) { append(out, time.str()); }
inline void append(std::string& out, strata::RawJson const& value) { out += value.text; }

template <class T>
concept Fielded = requires(T const& record) {
  T::fields(record, [](auto&&...) {});
};

template <class T>
void append(std::string& out, std::vector<T> const& list);
template <class T>
void append(std::string& out, std::map<std::string, T> const& map);

inline bool is_empty(strata::Timestamp const&) { return false; }
template <std::integral N>
bool is_empty(N number) {
  return number == 0;
}
template <class T>
requires requires(T const& value) { value.empty(); }
bool is_empty(T const& value) { return value.empty(); }

/// Builds one object, member by member.
class Object {
 public:
  explicit Object(std::string& out) : out_(out) { out_ += '{'; }
  Object(Object const&) = delete;
  Object& operator=(Object const&) = delete;
  ~Object() { out_ += '}'; }

  template <class T>
  Object& member(std::string_view key, T const& value) {
    if (!first_) out_ += ',';
    first_ = false;
    append(out_, key);
    out_ += ':';
    append(out_, value);
    return *this;
  }
  template <class T>
  Object& member_if_set(std::string_view key, T const& value) {
    return is_empty(value) ? *this : member(key, value);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

/// A record, by its own list of fields.
template <Fielded T>
void append(std::string& out, T const& record) {
  Object object(out);
  T::fields(record, [&](std::string_view key, auto const& value, strata::Presence presence) {
    if (presence == strata::Presence::always || !is_empty(value)) object.member(key, value);
  });
}

template <class T>
void append(std::string& out, std::vector<T> const& list) {
  out += '[';
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i != 0) out += ',';
    append(out, list[i]);
  }
  out += ']';
}

template <class T>
void append(std::string& out, std::map<std::string, T> const& map) {
  Object object(out);
  for (auto const& [key, value] : map) object.member(key, value);
}

/// The records of items, as a list.
template <class Item>
std::string records_text(std::vector<Item> const& items) {
  std::string out = "[";
  for (auto const& item : items) {
    if (out.size() > 1) out += ',';
    append(out, item.record());
  }
  return out += ']';
}

template <class T>
std::string text(T const& value) {
  std::string out;
  append(out, value);
  return out;
}

/// The same JSON over several lines, for people: four spaces a level.
inline std::string indented(std::string_view compact) {
  std::string out;
  std::size_t depth = 0;
  bool in_text = false;
  auto const begin_line = [&] {
    out += '\n';
    out.append(4 * depth, ' ');
  };
  for (std::size_t i = 0; i < compact.size(); ++i) {
    char const c = compact[i];
    if (in_text || c == '"') {
      out += c;
      if (in_text && c == '\\')
        out += compact[++i];
      else if (c == '"')
        in_text = !in_text;
      continue;
    }
    bool const closes = c == '}' || c == ']';
    if (closes && compact[i - 1] != '{' && compact[i - 1] != '[') {
      --depth;
      begin_line();
    }
    out += c;
    if (c == ':') out += ' ';
    if (c == ',') begin_line();
    if ((c == '{' || c == '[') && compact[i + 1] != '}' && compact[i + 1] != ']') {
      ++depth;
      begin_line();
    }
  }
  return out;
}

/// A list that Go keeps in a nil slice when nothing was put into it.
template <class T>
std::string text_or_null(std::vector<T> const& list) {
  return list.empty() ? "null" : text(list);
}

}  // namespace oci_storage::json

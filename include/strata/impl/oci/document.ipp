#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/oci/document.hpp>
#include <strata/serializers/json_text.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <system_error>

namespace strata::oci {

namespace detail {

/// Handler of Boost.JSON's parser that builds a value within the limits. Throws what it refuses.
class DocumentEvents {
 public:
  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;
  static constexpr std::size_t max_object_size = boost::json::object::max_size();
  static constexpr std::size_t max_array_size = boost::json::array::max_size();
  static constexpr std::size_t max_key_size = boost::json::string::max_size();
  static constexpr std::size_t max_string_size = boost::json::string::max_size();

  DocumentEvents(std::string_view what, std::size_t max_values)
      : what_(what), max_values_(max_values), left_(max_values) {
    stack_.reset();
  }

  boost::json::value release() { return stack_.release(); }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
  bool on_object_begin(error_code&) {
    open_.emplace_back();
    return count();
  }
  bool on_object_end(std::size_t size, error_code&) {
    open_.pop_back();
    stack_.push_object(size);
    return true;
  }
  bool on_array_begin(error_code&) { return count(); }
  bool on_array_end(std::size_t size, error_code&) {
    stack_.push_array(size);
    return true;
  }
  bool on_key_part(string_view part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    return true;
  }
  bool on_key(string_view part, std::size_t, error_code&) {
    key_.append(part.data(), part.size());
    stack_.push_key(key_);
    if (!open_.back().insert(key_).second)
      throw Error(Errc::corrupt_document, std::string(what_) + ": member \"" + key_ + "\" twice");
    key_.clear();
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) {
    stack_.push_chars(part);
    return true;
  }
  bool on_string(string_view part, std::size_t, error_code&) {
    stack_.push_string(part);
    return count();
  }
  bool on_number_part(string_view part, error_code&) {
    number_.append(part.data(), part.size());
    return true;
  }
  bool on_int64(std::int64_t value, string_view, error_code&) {
    number_.clear();
    stack_.push_int64(value);
    return count();
  }
  bool on_uint64(std::uint64_t value, string_view, error_code&) {
    number_.clear();
    stack_.push_uint64(value);
    return count();
  }
  /// Boost.JSON 1.81 may be a bit off; what is written again must not be another number.
  bool on_double(double value, string_view part, error_code&) {
    number_.append(part.data(), part.size());
    if (std::from_chars(number_.data(), number_.data() + number_.size(), value).ec != std::errc())
      throw Error(Errc::corrupt_document,
                  std::string(what_) + ": number " + number_.substr(0, 40) + " out of range");
    number_.clear();
    stack_.push_double(value);
    return count();
  }
  bool on_bool(bool value, error_code&) {
    stack_.push_bool(value);
    return count();
  }
  bool on_null(error_code&) {
    stack_.push_null();
    return count();
  }

 private:
  bool count() {
    if (left_-- == 0)
      throw Error(Errc::over_budget,
                  std::string(what_) + ": more than " + std::to_string(max_values_) + " values");
    return true;
  }

  std::string_view what_;
  std::size_t max_values_;
  std::size_t left_;
  boost::json::value_stack stack_ = {};
  std::vector<std::set<std::string>> open_ = {};  // names of the members of each object that is not complete
  std::string key_ = {};
  std::string number_ = {};
};

/// A member's name as Go's parser compares it: without case, of which Unicode has two more of ASCII's letters.
inline std::string folded(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto const rest = name.substr(i);
    if (rest.starts_with("\u017f")) {  // long s
      out += 's';
      i += 1;
    } else if (rest.starts_with("\u212a")) {  // the sign of Kelvin
      out += 'k';
      i += 2;
    } else {
      out += name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    }
  }
  return out;
}

/// The shortest text of the number that is not one of an integer, so that it is read as what it was.
inline void append_number(std::string& out, double number) {
  std::array<char, 32> text{};
  std::string_view const written(
      text.data(),
      static_cast<std::size_t>(std::to_chars(text.begin(), text.end(), number).ptr - text.data()));
  out += written;
  if (written.find_first_of(".e") == std::string_view::npos) out += ".0";
}

inline std::string_view check_size(std::string_view text, std::string_view what,
                                   DocumentLimits const& limits) {
  if (text.size() > limits.bytes)
    throw Error(Errc::over_budget, std::string(what) + ": " + std::to_string(text.size()) +
                                       " bytes, more than " + std::to_string(limits.bytes));
  return text;
}

inline void append_json(std::string& out, boost::json::value const& value) {
  if (auto const* object = value.if_object()) {
    out += '{';
    for (auto const& [key, member] : *object) {
      if (out.back() != '{') out += ',';
      serializers::json::write_string(out, {key.data(), key.size()});
      out += ':';
      append_json(out, member);
    }
    out += '}';
  } else if (auto const* array = value.if_array()) {
    out += '[';
    for (auto const& element : *array) {
      if (&element != array->begin()) out += ',';
      append_json(out, element);
    }
    out += ']';
  } else if (auto const* text = value.if_string()) {
    serializers::json::write_string(out, {text->data(), text->size()});
  } else if (auto const* real = value.if_double()) {
    append_number(out, *real);
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace detail

STRATA_INLINE boost::json::value parse_document(std::string_view text, std::string_view what,
                                                DocumentLimits const& limits) {
  detail::check_size(text, what, limits);
  boost::json::basic_parser<detail::DocumentEvents> parser(
      boost::json::parse_options{.max_depth = limits.depth}, what, limits.values);
  boost::json::error_code error;
  auto const used = parser.write_some(false, text.data(), text.size(), error);
  if (error == boost::json::error::too_deep)
    throw Error(Errc::over_budget,
                std::string(what) + ": deeper than " + std::to_string(limits.depth) + " levels");
  if (!error && used != text.size()) error = boost::json::error::extra_data;
  if (error)
    throw Error(Errc::corrupt_document,
                std::string(what) + ": byte " + std::to_string(used) + ": " + error.message());
  return parser.handler().release();
}

namespace detail {

STRATA_INLINE NamedDocument::NamedDocument(std::string_view what, std::string_view bytes,
                                           DocumentLimits const& limits)
    : digest(Digest::of(as_bytes(check_size(bytes, what, limits)))),
      where(std::string(what) + ' ' + digest.str()),
      document(parse_document(bytes, where, limits)) {}

}  // namespace detail

STRATA_INLINE std::string document_text(boost::json::value const& document) {
  std::string out;
  detail::append_json(out, document);
  return out;
}

STRATA_INLINE boost::json::value edited_document(boost::json::value const& document,
                                                 boost::json::value const& before,
                                                 boost::json::value const& after) {
  if (before == after) return document;
  if (document.is_object() && before.is_object() && after.is_object()) {
    auto const& old = before.get_object();
    auto const& now = after.get_object();
    boost::json::object out;
    for (auto const& [key, value] : document.get_object()) {
      auto const* const was = old.if_contains(key);
      auto const* const is = now.if_contains(key);
      if (is == nullptr && was != nullptr) continue;
      out.emplace(key, is == nullptr ? value : was == nullptr ? *is : edited_document(value, *was, *is));
    }
    for (auto const& [key, value] : now) out.emplace(key, value);
    return out;
  }
  if (document.is_array() && before.is_array() && after.is_array()) {
    auto const& elements = document.get_array();
    auto const& old = before.get_array();
    auto const& now = after.get_array();
    boost::json::array out;
    for (std::size_t i = 0; i < now.size(); ++i)
      out.push_back(i < old.size() && i < elements.size() ? edited_document(elements[i], old[i], now[i])
                                                          : now[i]);
    return out;
  }
  return after;
}

STRATA_INLINE Members::Members(boost::json::value const& object, std::string where)
    : object_(object.if_object()), where_(std::move(where)) {
  if (object_ == nullptr) throw Error(Errc::corrupt_document, where_ + ": not an object");
}

STRATA_INLINE std::string Members::where(std::string_view name) const {
  return where_ + (where_.find(": ") == std::string::npos ? ": " : ".") + std::string(name);
}

STRATA_INLINE std::string Members::where(std::string_view name, std::size_t index) const {
  return where(name) + "[" + std::to_string(index) + "]";
}

STRATA_INLINE void Members::refuse(std::string_view name, char const* what) const {
  throw Error(Errc::corrupt_document, where(name) + ": " + what);
}

STRATA_INLINE boost::json::value const* Members::find(std::string_view name) {
  asked_.emplace_back(name);
  auto const* const value = object_->if_contains({name.data(), name.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

STRATA_INLINE boost::json::array const* Members::array(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) refuse(name, "not a list");
  return value->if_array();
}

STRATA_INLINE std::string Members::text(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) return {};
  if (!value->is_string()) refuse(name, "not a text");
  return std::string(value->get_string());
}

STRATA_INLINE std::string Members::required_text(std::string_view name) {
  auto found = text(name);
  if (found.empty()) refuse(name, "missing");
  return found;
}

STRATA_INLINE std::optional<std::int64_t> Members::integer(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_int64()) refuse(name, "not an integer of 64 bits");
  return value->get_int64();
}

STRATA_INLINE std::uint64_t Members::bytes(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) refuse(name, "missing");
  if (!value->is_int64() || value->get_int64() < 0) refuse(name, "not a number of bytes");
  return static_cast<std::uint64_t>(value->get_int64());
}

STRATA_INLINE bool Members::flag(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) refuse(name, "neither true nor false");
  return value->get_bool();
}

STRATA_INLINE Digest Members::digest(std::string_view name) {
  auto const found = required_text(name);
  std::error_code error;
  if (auto digest = Digest::parse(found, error)) return *std::move(digest);
  throw Error(error, where(name) + ": \"" + found + "\"");
}

STRATA_INLINE std::optional<Timestamp> Members::time(std::string_view name) {
  auto const found = text(name);
  if (found.empty() && find(name) == nullptr) return std::nullopt;
  try {
    return Timestamp::parse(found);
  } catch (Error const&) {
    refuse(name, "not a time as of RFC 3339");
  }
}

STRATA_INLINE std::vector<std::string> Members::texts(std::string_view name) {
  std::vector<std::string> out;
  auto const* const list = array(name);
  if (list == nullptr) return out;
  for (auto const& element : *list) {
    if (!element.is_string()) refuse(name, "not a list of texts");
    out.emplace_back(element.get_string());
  }
  return out;
}

STRATA_INLINE std::map<std::string, std::string> Members::text_map(std::string_view name) {
  std::map<std::string, std::string> out;
  auto const* const value = find(name);
  if (value == nullptr) return out;
  if (!value->is_object()) refuse(name, "not an object");
  for (auto const& [key, text] : value->get_object()) {
    if (!text.is_string() && !text.is_null()) refuse(name, "not an object of texts");
    out.emplace(key, text.is_null() ? std::string() : std::string(text.get_string()));
  }
  return out;
}

STRATA_INLINE std::vector<std::string> Members::names(std::string_view name) {
  std::vector<std::string> out;
  auto const* const value = find(name);
  if (value == nullptr) return out;
  if (!value->is_object()) refuse(name, "not an object");
  for (auto const& [key, empty] : value->get_object()) {
    if (!empty.is_object() && !empty.is_null()) refuse(name, "not an object of empty objects");
    out.emplace_back(key);
  }
  return out;
}

STRATA_INLINE std::optional<Members> Members::object(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) return std::nullopt;
  return Members(*value, where(name));
}

STRATA_INLINE boost::json::object Members::unknown() const {
  std::set<std::string> asked;
  for (auto const& name : asked_) asked.insert(detail::folded(name));
  boost::json::object out;
  for (auto const& [key, value] : *object_) {
    if (std::ranges::find(asked_, std::string_view(key.data(), key.size())) != asked_.end()) continue;
    if (asked.contains(detail::folded({key.data(), key.size()})))
      refuse(key, "differs from a member of the format in case only");
    out.emplace(key, value);
  }
  return out;
}

}  // namespace strata::oci

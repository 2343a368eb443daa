#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/oci/document.hpp>
#include <strata/serializers/json_text.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include <array>
#include <charconv>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

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

STRATA_INLINE std::string_view text_member(boost::json::value const& object, std::string_view name) {
  auto const* const members = object.if_object();
  auto const* const member = members == nullptr ? nullptr : members->if_contains(name);
  auto const* const text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

STRATA_INLINE void append_number(std::string& out, double number) {
  std::array<char, 32> text{};
  std::string_view const written(
      text.data(),
      static_cast<std::size_t>(std::to_chars(text.begin(), text.end(), number).ptr - text.data()));
  out += written;
  if (written.find_first_of(".e") == std::string_view::npos) out += ".0";
}

STRATA_INLINE std::string_view check_size(std::string_view text, std::string_view what,
                                          DocumentLimits const& limits) {
  if (text.size() > limits.bytes)
    throw Error(Errc::over_budget, std::string(what) + ": " + std::to_string(text.size()) +
                                       " bytes, more than " + std::to_string(limits.bytes));
  return text;
}

STRATA_INLINE void append_json(std::string& out, boost::json::value const& value) {
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

}  // namespace strata::oci

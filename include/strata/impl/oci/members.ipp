#pragma once

#include <strata/oci/members.hpp>

#include <algorithm>
#include <limits>
#include <set>
#include <system_error>
#include <utility>

namespace strata::oci {

namespace detail {

STRATA_INLINE std::string folded(std::string_view name) {
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

STRATA_INLINE Digest parse_digest(std::string const& text, std::string const& where) {
  std::error_code error;
  if (auto digest = Digest::parse(text, error)) return *std::move(digest);
  throw Error(error, where + ": \"" + text + '"');
}

}  // namespace detail

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
  // What is made, not parsed, may have it without a sign.
  auto const size = value->is_uint64() ? value->get_uint64()
                    : value->is_int64() && value->get_int64() >= 0
                        ? static_cast<std::uint64_t>(value->get_int64())
                        : std::numeric_limits<std::uint64_t>::max();
  if (size > std::numeric_limits<std::int64_t>::max()) refuse(name, "not a number of bytes");
  return size;
}

STRATA_INLINE bool Members::flag(std::string_view name) {
  auto const* const value = find(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) refuse(name, "neither true nor false");
  return value->get_bool();
}

STRATA_INLINE Digest Members::digest(std::string_view name) {
  return detail::parse_digest(required_text(name), where(name));
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

STRATA_INLINE void Members::check_names() const {
  std::set<std::string> asked;
  for (auto const& name : asked_) asked.insert(detail::folded(name));
  for (auto const& [key, value] : *object_)
    if (!was_asked(key) && asked.contains(detail::folded({key.data(), key.size()})))
      refuse(key, "differs from a member of the format in case only");
}

STRATA_INLINE boost::json::object Members::unknown() const {
  check_names();
  boost::json::object out;
  for (auto const& [key, value] : *object_)
    if (!was_asked(key)) out.emplace(key, value);
  return out;
}

STRATA_INLINE bool Members::was_asked(std::string_view name) const {
  return std::ranges::find(asked_, name) != asked_.end();
}

}  // namespace strata::oci

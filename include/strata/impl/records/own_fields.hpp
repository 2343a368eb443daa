#pragma once

#include <strata/records/own_fields.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/parse_options.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>
#include <boost/system/error_code.hpp>

#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace strata {
namespace detail {

/// What own fields may be.
template <class Field>
constexpr void check_own_field() {
  static_assert(
      boost::json::has_value_from<Field>::value && boost::json::has_value_to<Field>::value,
      "a field that own_fields visits has to be of a type that Boost.JSON converts to a value and back: "
      "see boost::json::value_from and value_to");
}

}  // namespace detail

template <HasOwnFields Record>
void take_own_fields(Record& record) {
  Record::own_fields(record, [&](std::string_view name, auto& field) {
    detail::check_own_field<std::remove_cvref_t<decltype(field)>>();
    auto const found = record.flags.find(std::string(name));
    if (found == record.flags.end()) return;
    boost::json::parse_options any_text;
    any_text.allow_invalid_utf8 = true;  // a text is written byte for byte
    boost::system::error_code error;
    auto const value = boost::json::parse(found->second.text, error, {}, any_text);
    if (error) return;
    auto result = boost::json::try_value_to<std::remove_cvref_t<decltype(field)>>(value);
    if (!result) return;
    field = *std::move(result);
    record.flags.erase(found);
  });
}

template <HasOwnFields Record>
std::map<std::string, std::string> own_texts(Record const& record) {
  std::map<std::string, std::string> texts;
  Record::own_fields(record, [&](std::string_view name, auto const& field) {
    detail::check_own_field<std::remove_cvref_t<decltype(field)>>();
    texts.emplace(name, boost::json::serialize(boost::json::value_from(field)));
  });
  return texts;
}

template <HasOwnFields Record>
Record with_own_flags(Record const& record) {
  static auto const defaults = own_texts(Record());  // what the field has if there is no flag
  Record out = record;
  for (auto& [name, text] : own_texts(record))
    if (auto const found = defaults.find(name); found == defaults.end() || found->second != text)
      out.flags[name] = {std::move(text)};
  return out;
}

}  // namespace strata

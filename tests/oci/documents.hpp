#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

/// Documents that other programs wrote (tests/data/documents), and broken ones.
namespace documents {

inline std::string golden(std::string const& file) {
  return strata::sys::read_file(strata::fs::path(STRATA_HEADERS) / "../../tests/data/documents" / file);
}

/// What a call is refused with, as "<message>" after its code was looked at; empty if it is not refused.
struct Refusal {
  std::error_code code = {};
  std::string text = {};
};

template <class Call>
Refusal refusal(Call&& call) {
  try {
    std::forward<Call>(call)();
  } catch (strata::Error const& error) {
    return {error.code(), error.subject()};
  }
  return {};
}

inline std::string digest(char digit) { return "sha256:" + std::string(64, digit); }

/// The value at a path of members and places in lists, "layers/0/size".
inline boost::json::value& at(boost::json::value& document, std::string_view path) {
  auto* value = &document;
  while (!path.empty()) {
    auto const name = path.substr(0, path.find('/'));
    if (value->is_array())
      value = &value->get_array().at(std::stoul(std::string(name)));
    else
      value = &value->get_object()[name];
    path.remove_prefix(std::min(path.size(), name.size() + 1));
  }
  return *value;
}

/// A document with one value replaced.
inline std::string with(std::string const& document, std::string_view path, boost::json::value const& value) {
  auto parsed = boost::json::parse(document);
  at(parsed, path) = value;
  return boost::json::serialize(parsed);
}

/// The same without a member.
inline std::string without(std::string const& document, std::string_view path) {
  auto parsed = boost::json::parse(document);
  auto const slash = path.rfind('/');
  auto& object = slash == std::string_view::npos ? parsed : at(parsed, path.substr(0, slash));
  object.get_object().erase(slash == std::string_view::npos ? path : path.substr(slash + 1));
  return boost::json::serialize(parsed);
}

/// Replaces the value at a path by one of each type that JSON has, and looks at whether `read` refuses it. Lists and objects
/// of other things are refused, too, but for an object that may have any members.
template <class Read>
void refuses_other_types(std::string const& document, std::string const& path, Read&& read) {
  auto const parsed = boost::json::parse(document);
  auto copy = parsed;
  auto const& right = at(copy, path);
  bool const any_members = path.ends_with("platform") || path.ends_with("config") || path.ends_with("rootfs");
  auto const others = boost::json::parse(R"([true,7,1.5,"text",[[]],{"name":[]}])");
  for (auto const& value : others.get_array()) {
    if (value.kind() == right.kind() && (!value.is_structured() || any_members)) continue;
    CAPTURE(path, boost::json::serialize(value));
    auto const outcome = refusal([&] { read(with(document, path, value)); });
    CHECK(outcome.code == strata::Errc::corrupt_document);
    auto const name = path.substr(path.rfind('/') + 1);
    CHECK((outcome.text.find(name) != std::string::npos || std::isdigit(name.front())));
  }
}

}  // namespace documents

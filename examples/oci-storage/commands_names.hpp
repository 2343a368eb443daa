#pragma once

#include "commands_create.hpp"
#include "json.hpp"
#include "session.hpp"
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Commands for the names and the metadata of items of any kind.
namespace oci_storage {

inline int get_names(Session& session, Invocation const& call) {
  return with_any(session, call.arguments.front(), strata::Errc::layer_unknown, [&](auto const& item) {
    if (call.options.flag("json")) return say_json(json::text(item.names()));
    for (auto const& name : item.names()) say(name);
    return 0;
  });
}

/// Calls `rename(item, names)`, which returns the names that the item then has.
template <class Rename>
int change_names(Session& session, Invocation const& call, Rename&& rename) {
  return with_any(session, call.arguments.front(), strata::Errc::layer_unknown, [&](auto& item) {
    if (item.read_only() && item.kind != "image")
      throw strata::Error(strata::Errc::layer_unknown, '"' + call.arguments.front() + '"');
    auto const result = rename(item, call.options.list("name"));
    return call.options.flag("json") ? say_json(json::text_or_null(result)) : 0;
  });
}

inline int set_names(Session& session, Invocation const& call) {
  return change_names(session, call, [](auto& item, auto const& names) { return item.set_names(names); });
}
inline int add_names(Session& session, Invocation const& call) {
  return change_names(session, call, [](auto& item, auto const& names) { return item.add_names(names); });
}
inline int remove_names(Session& session, Invocation const& call) {
  return change_names(session, call, [](auto& item, auto const& names) { return item.remove_names(names); });
}

/// Without the last newline, if it ends with one.
inline std::string shown_metadata(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

inline int get_metadata(Session& session, Invocation const& call) {
  std::map<std::string, std::string> found;
  bool all = true;
  for (auto const& argument : call.arguments) {
    std::string text;
    if (auto const item = session.store.find(argument)) {
      text = shown_metadata(std::visit([](auto const& known) { return known.metadata(); }, *item));
      found[argument] = text;
    } else {
      all = false;
    }
    if (call.options.flag("json")) continue;
    if (call.options.flag("quiet"))
      say(text);
    else
      say(argument, ": ", text);
  }
  int const status = call.options.flag("json") ? say_json(json::text(found)) : 0;
  return all ? status : 1;
}

inline int set_metadata(Session& session, Invocation const& call) {
  if (call.options.text("metadata").empty() && call.options.text("metadata-file").empty())
    throw std::runtime_error("no new metadata provided");
  auto text = given_metadata(call.options);
  with_any(session, call.arguments.front(), strata::Errc::item_unknown, [&](auto& item) {
    if (item.read_only()) throw strata::Error(strata::Errc::item_unknown, '"' + call.arguments.front() + '"');
    item.set_metadata(std::move(text));
  });
  return 0;
}

}  // namespace oci_storage

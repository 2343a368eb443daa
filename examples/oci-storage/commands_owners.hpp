#pragma once

#include "json.hpp"
#include "session.hpp"
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Commands that tell who owns the directories above a mount point.
namespace oci_storage {

enum class EmptyLists { left_out, shown };

inline void say_owners(std::string_view title, std::set<std::int64_t> const& ids, EmptyLists empty) {
  if (ids.empty() && empty == EmptyLists::left_out) return;
  std::string text;
  for (auto const id : ids) text += (text.empty() ? "" : " ") + std::to_string(id);
  say(title, ": [", text, "]");
}

/// JSON has one object a line, and `null` for nobody.
inline void say_owners_json(std::string_view id, strata::ParentOwners const& owners) {
  std::string out;
  {
    json::Object object(out);
    object.member("ID", std::string(id));
    auto const list = [&](std::string_view key, std::set<std::int64_t> const& ids) {
      if (ids.empty())
        object.member(key, strata::RawJson{"null"});
      else
        object.member(key, std::vector<std::int64_t>(ids.begin(), ids.end()));
    };
    list("UIDs", owners.uids);
    list("GIDs", owners.gids);
  }
  say(out);
}

/// Unknown arguments show in the exit status only; any other error ends it.
/// @param title  in front of the error
template <class Collection>
int show_parent_owners(Collection&& collection, Invocation const& call, std::string const& title,
                       EmptyLists empty) {
  std::size_t found = 0;
  for (auto const& argument : call.arguments) {
    auto const item = collection.find(argument);
    if (!item) continue;
    ++found;
    strata::ParentOwners owners;
    try {
      owners = item->parent_owners();
    } catch (strata::Error const& error) {
      throw std::runtime_error(title + ": " + error_text(error));
    }
    if (call.options.flag("json")) {
      say_owners_json(item->record().id, owners);
      continue;
    }
    say("ID: ", item->record().id);
    say_owners("UIDs", owners.uids, empty);
    say_owners("GIDs", owners.gids, empty);
  }
  return found == call.arguments.size() ? 0 : 1;
}

inline int show_layer_owners(Session& session, Invocation const& call) {
  return show_parent_owners(session.store.layers(), call, "LayerParentOwner", EmptyLists::left_out);
}

inline int show_container_owners(Session& session, Invocation const& call) {
  return show_parent_owners(session.store.containers(), call, "ContainerParentOwner", EmptyLists::shown);
}

}  // namespace oci_storage

#pragma once

#include "json.hpp"
#include "session.hpp"
#include <algorithm>
#include <map>
#include <string>
#include <vector>

/// Commands that remove items. All go through their arguments one by one; results are kept by argument, so that one given
/// twice shows its last outcome.
namespace oci_storage {

/// Calls `remove(argument)` for each argument and reports what it threw.
template <class Remove>
int remove_each(Invocation const& call, Remove&& remove) {
  std::map<std::string, std::string> results;
  std::vector<std::string> order;
  for (auto const& argument : call.arguments) {
    if (!results.contains(argument)) order.push_back(argument);
    auto& result = results[argument];
    result.clear();
    try {
      remove(argument);
    } catch (std::exception const&) {
      result = current_error_text();
    }
  }
  int const status =
      std::ranges::all_of(results, [](auto const& result) { return result.second.empty(); }) ? 0 : 1;
  if (call.options.flag("json")) return status | say_json(json::text(results));
  for (auto const& argument : order)
    if (!results[argument].empty()) complain(argument, ": ", results[argument]);
  return status;
}

/// Containers are looked at first, then images, then layers. Nothing is checked: what stands on the item stays behind.
inline int remove_any(Session& session, Invocation const& call) {
  return remove_each(call, [&](std::string const& argument) {
    if (auto const container = session.store.containers().find(argument))
      session.store.containers().remove(*container, {.force = true});
    else if (auto const image = own(session.store.images().find(argument)))
      session.store.images().remove(*image, {.keep_layers = true, .force = true});
    else if (auto const layer = own(session.store.layers().find(argument)))
      session.store.layers().remove(*layer, {.force = true});
    else
      throw strata::Error(strata::Errc::layer_unknown, '"' + argument + '"');
  });
}

inline int remove_layers(Session& session, Invocation const& call) {
  return remove_each(call, [&](std::string const& argument) {
    auto const layer = own(session.store.layers().find(argument));
    if (!layer) throw std::runtime_error("identifier is not a layer");
    session.store.layers().remove(*layer);
  });
}

inline int remove_containers(Session& session, Invocation const& call) {
  return remove_each(call, [&](std::string const& argument) {
    auto const container = session.store.containers().find(argument);
    if (!container) throw std::runtime_error("identifier is not a container");
    session.store.containers().remove(*container);
  });
}

/// Also tells which layers went with each image: on stderr, or in the JSON.
inline int remove_images(Session& session, Invocation const& call) {
  struct Result {
    std::vector<std::string> layers = {};
    std::string error = {};
  };
  std::map<std::string, Result> results;
  std::vector<std::string> order;
  for (auto const& argument : call.arguments) {
    if (!results.contains(argument)) order.push_back(argument);
    auto& result = results[argument] = {};
    try {
      auto const image = session.store.images().find(argument);
      if (!image || !image->removable()) throw std::runtime_error("identifier is not an image");
      for (auto const& layer : session.store.images().remove(*image, {.dry_run = call.options.flag("test")}))
        result.layers.push_back(layer.str());
    } catch (std::exception const&) {
      result.error = current_error_text();
    }
  }
  int const status =
      std::ranges::all_of(results, [](auto const& result) { return result.second.error.empty(); }) ? 0 : 1;
  if (!call.options.flag("json")) {
    for (auto const& argument : order) {
      auto const& [layers, error] = results[argument];
      if (!error.empty()) complain(argument, ": ", error);
      for (auto const& layer : layers) complain(argument, ": ", layer);
    }
    return status;
  }
  std::string out;
  {
    json::Object all(out);
    for (auto const& [argument, result] : results) {
      strata::RawJson one;
      json::Object(one.text)
          .member_if_set("deleted-layers", result.layers)
          .member_if_set("error", result.error);
      all.member(argument, one);
    }
  }
  return status | say_json(out);
}

}  // namespace oci_storage

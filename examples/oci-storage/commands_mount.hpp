#pragma once

#include "json.hpp"
#include "session.hpp"
#include <string>
#include <string_view>
#include <vector>

/// Commands that show the files of items as directories of the host. All go through their arguments one by one; what
/// fails is told at its place and in the exit status.
namespace oci_storage {

/// One line of the JSON output.
struct MountResult {
  std::string id;
  std::string mountpoint = {};
  std::string error = {};
};

inline std::string json_text(std::vector<MountResult> const& results, bool with_path) {
  std::string out;
  for (auto const& result : results) {
    out += out.empty() ? '[' : ',';
    json::Object object(out);
    object.member("id", result.id);
    if (with_path) object.member("mountpoint", result.mountpoint);
    object.member("error", result.error);
  }
  return out + ']';
}

inline int mount(Session& session, Invocation const& call) {
  auto const label = call.options.text("label");
  bool const json = call.options.flag("json");
  std::vector<MountResult> results;
  int status = 0;
  for (auto const& argument : call.arguments) {
    auto& result = results.emplace_back(MountResult{argument});
    try {
      if (call.options.flag("read-only")) {
        auto const image = session.store.images().get(argument);
        if (image.read_only()) throw strata::Error(strata::Errc::layer_unknown, '"' + argument + '"');
        result.mountpoint = image.mount({.read_only = true, .label = label}).keep().native();
      } else
        result.mountpoint = with_mountable(session, argument, [&](auto const& item) {
          return item.mount({.label = label}).keep().native();
        });
    } catch (std::exception const&) {
      result.error = current_error_text();
      status = 1;
    }
    if (json) continue;
    say(result.mountpoint);
    if (!result.error.empty()) complain(result.error, " while mounting ", argument);
  }
  return json ? status | say_json(json_text(results, true)) : status;
}

/// Gives back one mount, or all of them with `force`. Returns whether nothing is mounted any more and that is to be said:
/// for an image, whose layers may be mounted by others, it is not.
inline bool unmount_one(Session& session, std::string const& ref, bool force) {
  try {
    return !with_mountable(session, ref, [&](auto const& item) { return item.unmount({.force = force}); });
  } catch (strata::Error const&) {
    auto const image = session.store.images().find(ref);
    if (!image) throw;
    image->unmount({.force = force});
    return false;
  }
}

inline int unmount(Session& session, Invocation const& call) {
  std::vector<MountResult> results;
  int status = 0;
  for (auto const& argument : call.arguments) {
    auto& result = results.emplace_back(MountResult{argument});
    try {
      if (unmount_one(session, argument, call.options.flag("force"))) say(argument, " mountpoint unmounted");
    } catch (std::exception const&) {
      result.error = current_error_text();
      status = 1;
      if (!call.options.flag("json")) complain(result.error, " while unmounting ", argument);
    }
  }
  return call.options.flag("json") ? status | say_json(json_text(results, false)) : status;
}

inline int check_mounted(Session& session, Invocation const& call) {
  std::vector<MountResult> results;
  int status = 0;
  for (auto const& argument : call.arguments) {
    auto& result = results.emplace_back(MountResult{argument});
    try {
      if (with_mountable(session, argument, [](auto const& item) { return item.mount_count(); }) > 0)
        say(argument, " mounted");
    } catch (std::exception const&) {
      result.error = current_error_text();
      status = 1;
      if (!call.options.flag("json")) complain(result.error, " checking if ", argument, " is mounted");
    }
  }
  return call.options.flag("json") ? status | say_json(json_text(results, false)) : status;
}

}  // namespace oci_storage

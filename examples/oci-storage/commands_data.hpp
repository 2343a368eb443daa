#pragma once

#include "json.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <stdexcept>
#include <string>
#include <string_view>

/// Commands for the named chunks of data beside an item, and for its directories. Each is a template on the kind: what
/// differs between the kinds is the collection and a few words.
namespace oci_storage {

struct Layers {
  static constexpr std::string_view kind = "layer";
  static auto get(Session& session, std::string const& ref) { return session.store.layers().get(ref); }
};
struct Images {
  static constexpr std::string_view kind = "image";
  static auto get(Session& session, std::string const& ref) { return session.store.images().get(ref); }
};
struct Containers {
  static constexpr std::string_view kind = "container";
  static auto get(Session& session, std::string const& ref) { return session.store.containers().get(ref); }
};

template <class Kind>
int list_data(Session& session, Invocation const& call) {
  auto const item = Kind::get(session, call.arguments[0]);
  auto const& keys = item.record().big_data_names;
  if (call.options.flag("json")) return say_json(json::text_or_null(keys));
  for (auto const& key : keys) say(key);
  return 0;
}

/// What Go says of a chunk that is not there; containers show the path that was tried.
template <class Kind>
std::string missing_data_text(Session& session, std::string const& id, std::string const& key) {
  if constexpr (Kind::kind == "container") {
    if (key.empty())
      return "can't retrieve container big data value for empty name: not a valid name for a big data item";
    auto const directory =
        strata::paths::kind_directory(session.settings.graph_root, session.store.driver_name(), "containers");
    return "open " + (directory / id / strata::big_data_file_name(key)).string() +
           ": no such file or directory";
  } else {
    return "locating item named \"" + key + "\" for " + std::string(Kind::kind) + " with ID \"" + id + '"' +
           (Kind::kind == "image" ? " (consider removing the image to resolve the issue)" : "") +
           ": file does not exist";
  }
}

template <class Kind>
int get_data(Session& session, Invocation const& call) {
  auto item = Kind::get(session, call.arguments[0]);
  auto to = open_output(call.options.text("file"));
  try {
    to.write(strata::as_bytes(item.big_data().get(call.arguments[1])));
  } catch (strata::Error const& error) {
    if (error.code() != strata::Errc::data_unknown) throw;
    throw std::runtime_error(missing_data_text<Kind>(session, item.record().id, call.arguments[1]));
  }
  return 0;
}

/// Containers have words of their own for no key at all; images say what they say of any that is not there.
template <class Kind>
void check_key(std::string const& key, std::string_view what) {
  if (Kind::kind == "container" && key.empty())
    throw std::runtime_error("can't retrieve " + std::string(what) +
                             " with empty name: not a valid name for a big data item");
}

template <class Kind>
int get_data_size(Session& session, Invocation const& call) {
  auto item = Kind::get(session, call.arguments[0]);
  check_key<Kind>(call.arguments[1], "size of container big data");
  say(std::to_string(item.big_data().size(call.arguments[1])));
  return 0;
}

template <class Kind>
int get_data_digest(Session& session, Invocation const& call) {
  auto item = Kind::get(session, call.arguments[0]);
  check_key<Kind>(call.arguments[1], "digest of container big data value");
  say(item.big_data().digest(call.arguments[1]).str());
  return 0;
}

template <class Kind>
int set_data(Session& session, Invocation const& call) {
  auto item = Kind::get(session, call.arguments[0]);
  if (item.read_only()) {
    if (Kind::kind == "image") throw strata::Error(strata::Errc::image_unknown, '"' + item.record().id + '"');
    throw std::runtime_error("locating layer with ID \"" + item.record().id + "\" to write bigdata: " +
                             make_error_code(strata::Errc::layer_unknown).message());
  }
  auto source = open_input(call.options.text("file")).source;
  try {
    item.big_data().set(call.arguments[1], std::move(source));
  } catch (strata::Error const& error) {
    if (error.code() != strata::Errc::invalid_name || !call.arguments[1].empty()) throw;
    throw std::runtime_error("can't set empty name for " + std::string(Kind::kind) +
                             " big data item: " + error.code().message());
  }
  return 0;
}

template <class Kind>
int show_directory(Session& session, Invocation const& call) {
  say(Kind::get(session, call.arguments[0]).directory().native());
  return 0;
}

template <class Kind>
int show_run_directory(Session& session, Invocation const& call) {
  say(Kind::get(session, call.arguments[0]).run_directory().native());
  return 0;
}

}  // namespace oci_storage

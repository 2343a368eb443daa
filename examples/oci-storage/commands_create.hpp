#pragma once

#include "id_maps.hpp"
#include "interrupt.hpp"
#include "json.hpp"
#include "progress_bar.hpp"
#include "session.hpp"
#include "streams.hpp"
#include <stdexcept>
#include <string>
#include <utility>

/// Commands that make items.
namespace oci_storage {

template <class Item>
int say_created(Item const& item, Invocation const& call) {
  if (call.options.flag("json")) return say_json(json::text(item.record()));
  say_item(item.record().id, item.names());
  return 0;
}

inline std::string first_argument(Invocation const& call) {
  return call.arguments.empty() ? std::string() : call.arguments.front();
}

inline int create_layer(Session& session, Invocation const& call) {
  auto maps = wanted_maps(call.options);
  auto const layer = [&] {
    ProgressBar const bar("owners", {});
    Interrupt const interrupt;
    return session.store.layers().create({.id = call.options.text("id"),
                                          .names = call.options.list("name"),
                                          .parent = first_argument(call),
                                          .mount_label = call.options.text("label"),
                                          .writable = !call.options.flag("readonly"),
                                          .maps = std::move(maps),
                                          .progress = bar.sink(),
                                          .stop = interrupt.token()});
  }();
  return say_created(layer, call);
}

/// Where the driver looks for a parent, as it tells of one that is missing.
inline std::string storage_layer_path(Session& session, std::string const& id) {
  auto const driver = std::string(session.store.driver_name());
  auto const home = session.settings.graph_root + '/' + driver;
  if (driver == "overlay") return home + '/' + id + "/diff";
  return home + (driver == "btrfs" ? "/subvolumes/" : "/dir/") + id;
}

/// A layer that only the driver knows.
inline int create_storage_layer(Session& session, Invocation const& call) {
  auto maps = id_maps(call.options);
  auto const parent = first_argument(call);
  try {
    auto const id = session.store.storage_layers()
                        .create({.id = call.options.text("id"),
                                 .parent = parent,
                                 .writable = !call.options.flag("readonly"),
                                 .maps = std::move(maps)})
                        .str();
    if (call.options.flag("json")) return say_json(json::text(id));
    say(id);
    return 0;
  } catch (strata::Error const& error) {
    if (error.code() != strata::Errc::layer_unknown) throw;
    throw std::runtime_error("Stat " + storage_layer_path(session, parent) + ": no such file or directory");
  }
}

inline int import_layer(Session& session, Invocation const& call) {
  auto input = open_input(call.options.text("file"));
  auto maps = wanted_maps(call.options);
  auto const layer = [&] {
    ProgressBar const bar("importing", input.size);
    Interrupt const interrupt;
    return session.store.layers().import(std::move(input.source), {.id = call.options.text("id"),
                                                                   .names = call.options.list("name"),
                                                                   .parent = first_argument(call),
                                                                   .mount_label = call.options.text("label"),
                                                                   .maps = std::move(maps),
                                                                   .progress = bar.sink(),
                                                                   .stop = interrupt.token()});
  }();
  return say_created(layer, call);
}

/// A metadata file counts more than metadata on the command line.
inline std::string given_metadata(Options const& options) {
  auto const file = options.text("metadata-file");
  return file.empty() ? options.text("metadata") : read_all(strata::file_source(file));
}

inline int create_image(Session& session, Invocation const& call) {
  auto metadata = given_metadata(call.options);
  auto const digest = call.options.text("digest");
  auto const image = [&] {
    try {
      return session.store.images().create({.id = call.options.text("id"),
                                            .names = call.options.list("name"),
                                            .top_layer = first_argument(call),
                                            .digest = digest,
                                            .metadata = std::move(metadata)});
    } catch (strata::Error const& error) {
      auto const& code = error.code();
      if (code != strata::Errc::digest_invalid_format && code != strata::Errc::digest_invalid_length &&
          code != strata::Errc::digest_unsupported)
        throw;
      throw std::runtime_error("validating digests for new image: validating image digest \"" + digest +
                               "\": " + error_text(error));
    }
  }();
  return say_created(image, call);
}

inline int create_container(Session& session, Invocation const& call) {
  auto maps = id_maps(call.options);
  auto metadata = given_metadata(call.options);
  auto const container = [&] {
    ProgressBar const bar("owners", {});
    Interrupt const interrupt;
    return session.store.containers().create(first_argument(call),
                                             {.id = call.options.text("id"),
                                              .names = call.options.list("name"),
                                              .metadata = std::move(metadata),
                                              .is_volatile = call.options.flag("volatile"),
                                              .maps = std::move(maps),
                                              .host_uids = call.options.flag("hostuidmap"),
                                              .host_gids = call.options.flag("hostgidmap"),
                                              .progress = bar.sink(),
                                              .stop = interrupt.token()});
  }();
  return say_created(container, call);
}

}  // namespace oci_storage

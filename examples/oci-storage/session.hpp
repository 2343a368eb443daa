#pragma once

#include <strata/drivers/any.hpp>
#include <strata/strata.hpp>

#include "command.hpp"
#include "errors.hpp"
#include "output.hpp"
#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace oci_storage {

/// The store that Podman reads, its driver chosen when the program runs.
using Store = strata::Store<strata::drivers::Any, strata::serializers::Json, strata::durability::Chosen>;

/// What a command works on.
class Session {
 public:
  explicit Session(StoreSettings given) : settings(std::move(given)), store(open(settings)) {}

  StoreSettings const settings;
  Store store;

 private:
  /// On a file system that cannot be written to, a store for reading: nothing is made in it, no lock file either.
  static Store open(StoreSettings const& settings) {
    auto options = options_of(settings);
    try {
      return Store(options);
    } catch (strata::Error const& error) {
      if (error.code() != std::error_code(EROFS, std::system_category())) throw;
    }
    options.read_only = true;
    return Store(std::move(options));
  }
  static Store::Options options_of(StoreSettings const& settings) {
    return {.graph_root = settings.graph_root,
            .run_root = settings.run_root,
            .driver = {.name = settings.driver,
                       .options = settings.driver_options,
                       .priority = settings.driver_priority},
            .durability = {settings.flush ? strata::Flush::full : strata::Flush::none},
            .image_store = settings.image_store,
            .transient = settings.transient,
            .disable_volatile = settings.disable_volatile,
            .default_maps = settings.default_maps};
  }
};

/// Calls `use` with the layer, image or container that `ref` names; layers are looked at first.
/// @throws `none` if there is no such item
template <class Use>
decltype(auto) with_any(Session& session, std::string const& ref, strata::Errc none, Use&& use) {
  auto item = session.store.find(ref);
  if (!item) throw strata::Error(none, '"' + ref + '"');
  return std::visit(std::forward<Use>(use), *item);
}

/// The item, unless it is in a store that is only read: to most of what changes items, the Go program does not know those.
template <class Item>
std::optional<Item> own(std::optional<Item> item) {
  if (item && item->read_only()) item.reset();
  return item;
}

/// Calls `use` with what a layer is mounted through: its container, if it has one, who knows the maps; else itself.
template <class Use>
decltype(auto) with_mountable(Session& session, Store::Layer const& layer, Use&& use) {
  auto const& id = layer.record().id;
  auto container = session.store.containers().find(id);
  if (container && container->record().layer != id) {  // whose id or name is the same text
    container.reset();
    for (auto& one : session.store.containers().list())
      if (one.record().layer == id) {
        container = std::move(one);
        break;
      }
  }
  return container ? use(*container) : use(layer);
}

/// Calls `use` with the container or layer that `ref` names: what can be mounted for writing.
template <class Use>
decltype(auto) with_mountable(Session& session, std::string const& ref, Use&& use) {
  if (auto const container = session.store.containers().find(ref)) return use(*container);
  return with_mountable(session, session.store.layers().get(ref), std::forward<Use>(use));
}

}  // namespace oci_storage

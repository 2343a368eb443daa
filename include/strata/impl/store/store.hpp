#pragma once

#include <strata/concepts/with_ability.hpp>
#include <strata/store/collect.hpp>
#include <strata/store/export.hpp>
#include <strata/store/import.hpp>
#include <strata/store/layer_depth.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/parent_owners.hpp>
#include <strata/store/pull_up.hpp>
#include <strata/store/read_layer.hpp>
#include <strata/store/size.hpp>
#include <strata/store/store.hpp>

#include <array>
#include <exception>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

namespace strata {

template <class Driver, class Serializer, class Durability, class Traits>
Store<Driver, Serializer, Durability, Traits>::Store(Options options)
    : core_(std::make_shared<Core>(std::move(options))) {}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::layers() const -> Layers<Core> {
  return core_->layers();
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::images() const -> Images<Core> {
  return core_->images();
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::containers() const -> Containers<Core> {
  return core_->containers();
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::find(Ref const& ref) const -> std::optional<AnyItem> {
  if (auto layer = layers().find(ref)) return AnyItem(std::in_place_type<Layer>, *std::move(layer));
  if (auto image = images().find(ref)) return AnyItem(std::in_place_type<Image>, *std::move(image));
  if (auto container = containers().find(ref))
    return AnyItem(std::in_place_type<Container>, *std::move(container));
  return std::nullopt;
}

template <class Driver, class Serializer, class Durability, class Traits>
std::string Store<Driver, Serializer, Durability, Traits>::driver_name() const {
  return std::string(core_->driver().name());
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::options() const noexcept -> Options const& {
  return core_->options();
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::status() const
    -> std::vector<std::pair<std::string, std::string>> {
  return core_->driver().status();
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::mounted_layers() const -> std::vector<LayerId> {
  std::vector<LayerId> out;
  auto const mounts = core_->mounts().read();
  for (auto const& row : mounts.rows()) out.emplace_back(row->id);
  return out;
}

template <class Driver, class Serializer, class Durability, class Traits>
void Store<Driver, Serializer, Durability, Traits>::remove(Ref const& ref) {
  if (auto const container = containers().find(ref)) return containers().remove(*container, {.force = true});
  if (auto const image = images().find(ref))
    return static_cast<void>(images().remove(*image, {.keep_layers = true, .force = true}));
  if (auto const layer = layers().find(ref)) return layers().remove(*layer, {.force = true});
  throw Error(Errc::item_unknown, '"' + ref.text() + '"').about({}, ref.text());
}

template <class Driver, class Serializer, class Durability, class Traits>
void Store<Driver, Serializer, Durability, Traits>::wipe() {
  std::exception_ptr first;
  std::set<std::string> needed;  // ids of any kind
  auto const remove = [&](auto const& item, auto&& remove_from, auto const& stands_on) {
    if (!needed.contains(item.id().str())) {
      try {
        remove_from.remove(item, {.force = true});
        return;
      } catch (Error const& error) {  // already removed by another process, or with its image
        if (error.not_found()) return;
        if (!first) first = std::current_exception();
      }
    }
    needed.insert(std::begin(stands_on), std::end(stands_on));
  };
  for (auto const& container : containers().list())
    remove(container, containers(), std::array{container.record().image, container.record().layer});
  for (auto const& image : images().list()) {
    auto layers_of = image.record().mapped_top_layers;
    layers_of.push_back(image.record().top_layer);
    if (!image.read_only()) remove(image, images(), layers_of);
  }
  for (auto const& layer : children_first(layers().list()))
    if (!layer.read_only()) remove(layer, layers(), std::array{layer.record().parent});
  if (first) std::rethrow_exception(first);
}

template <class Driver, class Serializer, class Durability, class Traits>
void Store<Driver, Serializer, Durability, Traits>::shutdown(ShutdownOptions const& options) {
  auto alone = core_->store_lock().exclusive();
  for (auto const& id : mounted_layers()) {
    if (!options.force)
      throw Error(Errc::layer_used_by_container, "a layer is mounted", id.str())
          .about(Subject::layer, id.str());
    if constexpr (MountDriver<Driver>) unmount_layer(*core_, id, {.force = true});
  }
  alone.renew();  // tells other processes to reopen their driver
  with_ability(core_->driver(), [](ShutdownDriver auto& able) { able.shutdown(); });
}

template <class Driver, class Serializer, class Durability, class Traits>
auto Store<Driver, Serializer, Durability, Traits>::children_first(std::vector<Layer> layers)
    -> std::vector<Layer> {
  std::map<std::string_view, typename Layer::Record const*> records;
  for (auto const& layer : layers) records.emplace(layer.record().id, &layer.record());
  auto const find = [&](std::string const& id) {
    auto const found = records.find(id);
    return found == records.end() ? nullptr : found->second;
  };
  detail::sort_children_first(
      layers, [](Layer const& layer) { return layer.record().id; }, find);
  return layers;
}

}  // namespace strata

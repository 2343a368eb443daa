#pragma once

#include <strata/records/container.hpp>
#include <strata/store/auto_userns.hpp>
#include <strata/store/containers.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/mapped_layer.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/store/records_of.hpp>
#include <strata/store/unreadable_records.hpp>
#include <strata/sys/trash.hpp>

#include <optional>
#include <string>
#include <utility>

namespace strata {
namespace detail {

/// All of the record but its maps, and when it was created.
template <class Core>
auto new_container_record(Core& core, Ref const& image, ContainerOptions const& options)
    -> ContainerRecordOf<Core> {
  ContainerRecordOf<Core> record;
  if (!image.empty()) record.image = core.template read_view<typename Core::ImageTraits>().get(image)->id;
  record.id = Core::template new_id<typename Core::ContainerTraits>(options.id).str();
  record.names = names::unique(options.names);
  record.layer = LayerId::random(Core::LayerTraits::id_digits).str();
  record.metadata = options.metadata;
  record.flags = {{"MountLabel", {"\"\""}}, {"ProcessLabel", {"\"\""}}};
  if (options.is_volatile || core.options().transient) record.flags["Volatile"] = {"true"};
  record.place = core.place_of_container(options.is_volatile);
  return record;
}

/// The container's own layer: over the image's top layer, in the container's maps where mounts cannot shift ids.
template <class Core>
auto plan_container_layer(Core& core, ContainerRecord const& record, ContainerOptions const& options,
                          Control const& control) -> LayerPlan<Core> {
  LayerPlan<Core> plan{.id = LayerId(record.layer), .names = {}, .parent = {}};
  auto const maps = maps_of(record);
  WantedMaps wanted{.uids = maps.uids, .gids = maps.gids};
  stored_maps(core, wanted, {});  // refuses unsuitable maps early
  if (record.image.empty()) {
    if (maps.uids.empty() && !options.host_uids) wanted.uids.reset();
    if (maps.gids.empty() && !options.host_gids) wanted.gids.reset();
  } else if (!core.template read_view<typename Core::ImageTraits>()
                  .get(Ref::exactly(record.image))
                  ->top_layer.empty()) {
    auto const top = top_layer_for(core, record.image, maps, control);
    plan.parent = LayerId(top->id);
    plan.parent_maps = maps_of(*top);
    plan.below = ReadOnlyLayers<Core>(core.template read_view<typename Core::LayerTraits>(), top);
  }
  plan.maps = stored_maps(core, wanted, plan.parent_maps);
  return plan;
}

}  // namespace detail

template <class Core>
auto Containers<Core>::create(Ref const& image, ContainerOptions const& options) -> Item {
  auto& core = *core_;
  auto record = detail::new_container_record(core, image, options);
  core.template table<Traits>().read().check_free(record.id, record.names);
  check_data_free<Traits>(core, record.id);

  // As in containers/storage, this lock is held from choosing the ids until the record with them is stored.
  std::optional<typename Core::Lock::Guard> alone;
  if (options.auto_userns || !options.maps.empty()) alone.emplace(core.userns_lock().exclusive());
  set_maps(record,
           options.auto_userns ? choose_maps(core, record.image, *options.auto_userns) : options.maps);
  Control const control{.progress = options.progress, .stop = options.stop};
  auto const plan = detail::plan_container_layer(core, record, options, control);
  LayerTransaction<Core> layer(core, plan, plan.request(true, core.flush(), control));
  layer.record().place = record.place;
  layer.finish(IntentKind::spare_layer);

  auto layers = core.template table<typename Core::LayerTraits>().write();
  auto const images = core.template read_view<typename Core::ImageTraits>();
  auto containers = core.template table<Traits>().write();
  if (!record.image.empty() && !images.by_id(record.image))
    throw Error(Errc::image_unknown, "image \"" + record.image + "\", removed meanwhile")
        .about(Subject::image, record.image);
  containers.check_free(record.id, record.names);
  layer.publish(layers);
  try {
    record.created = Timestamp::now();
    auto row = containers.put(std::move(record));
    containers.commit(core.flush());
    return Item(core_, std::move(row));
  } catch (...) {
    layer.withdraw(layers, containers);  // unless the container is on disk all the same: then it needs it
    throw;
  }
}

template <class Core>
void Containers<Core>::remove(Ref const& ref, RemoveContainerOptions const& options) {
  auto& core = *core_;
  Trash trash;
  {
    auto layers = core.template table<typename Core::LayerTraits>().write();
    auto const images = core.template read_view<typename Core::ImageTraits>();
    auto containers = core.template table<Traits>().write();
    auto const container = containers.get(ref);
    check_created<Traits>(*container, options.expected_created);
    Core::template component<Traits>(container->id);
    containers.erase(container->id);
    if (!options.force) {
      check_no_children(layers, container->layer);
      check_no_image(images, container->layer);
    }
    std::vector<LayerId> own;
    IntentRecord spare{IntentKind::spare_layer, container->layer};
    if (auto const layer = layers.by_id(container->layer)) {
      own.emplace_back(container->layer);
      spare = spare_intent(*layer);
    }
    auto const mounts = unmount_layers(core, own);
    auto staging = log_intents(core, {{IntentKind::container_files, container->id}, spare});
    with_intents(core, staging, [&] {
      containers.commit(core.flush());
      trash = discard_layers(core, layers, mounts, own, staging);
      discard_item_files<Traits>(core, container->id, staging);
    });
    trash.add(std::move(staging));
  }
  trash.empty();
}

}  // namespace strata

#pragma once

#include <strata/store/core.hpp>

namespace strata {

template <class T, DurabilityPolicy D>
Core<T, D>::Core(Options options)
    : options_(detail::checked<LayerTraits, appends>(std::move(options))),
      store_lock_(lock(options_.graph_root / paths::store_lock)),
      driver_(open_driver()),
      image_stores_(detail::read_only_roots<LayerTraits>(options_, driver_)),
      logs_(open_logs()),
      stores_(open_stores<LayerTraits>(), open_stores<ImageTraits>(), open_stores<ContainerTraits>()),
      mounts_(lock(mount_file(paths::lock_extension)),
              RecordFile<MountRecord, Serializer>(mount_file("").parent_path(), paths::mount_stem)) {
  auto const& images = readable_stores<ImageTraits>();
  for (auto const& place : images)
    if (place != images.front())
      static_cast<void>(place->table.read());  // what is wrong there shows now, as in containers/storage
  if (options_.read_only) return;
  driver_.recover();
  // Leftovers with intents need the records and are collected at first access.
  sys::StagingDirectory::recover(this->layer_trash(),
                                 [](sys::StagingDirectory const& left) { return left.notes().empty(); });
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::flush() const noexcept -> Flush {
  return options_.durability.level();
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::userns_lock() const -> Lock {
  return lock(options_.graph_root / paths::userns_lock);
}

template <class T, DurabilityPolicy D>
void Core<T, D>::collect_left() {
  if (!options_.read_only) recovery_.before_layers(*this);
}

template <class T, DurabilityPolicy D>
void Core<T, D>::collect_again() noexcept {
  recovery_.again();
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::layers() -> Layers<Core> {
  return Layers<Core>(this->shared_from_this());
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::images() -> Images<Core> {
  return Images<Core>(this->shared_from_this());
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::containers() -> Containers<Core> {
  return Containers<Core>(this->shared_from_this());
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::lock(fs::path path) const -> Lock {
  return options_.read_only ? Lock(std::move(path), ReadOnly{}) : Lock(std::move(path));
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::open_driver() -> Driver {
  auto const alone = options_.read_only ? std::optional<typename Lock::Guard>{}
                                        : std::make_optional(store_lock_.exclusive());
  return Driver(DriverPlace{.graph_root = options_.graph_root,
                            .run_root = options_.run_root,
                            .read_only = options_.read_only,
                            .image_stores = options_.image_stores,
                            .image_store = options_.image_store},
                options_.driver);
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::open_logs() const -> std::vector<std::shared_ptr<SharedLog>> {
  std::vector<std::shared_ptr<SharedLog>> logs;
  if constexpr (appends) {
    std::string const driver(driver_.name());
    logs.push_back(options_.read_only ? std::make_shared<SharedLog>(options_.graph_root, driver, ReadOnly{})
                                      : std::make_shared<SharedLog>(options_.graph_root, driver));
    for (auto const& root : image_stores_)
      logs.push_back(std::make_shared<SharedLog>(root, driver, ReadOnly{}));
  }
  return logs;
}

template <class T, DurabilityPolicy D>
fs::path Core<T, D>::mount_file(std::string_view extension) const {
  auto const directory = paths::kind_directory(options_.run_root, driver_.name(), LayerTraits::stem);
  if (!options_.read_only) sys::make_directories(directory, 0700);
  return directory / (std::string(paths::mount_stem) + std::string(extension));
}

}  // namespace strata

#pragma once

#include <strata/paths.hpp>
#include <strata/records/log.hpp>
#include <strata/records/record_file.hpp>
#include <strata/records/record_storage.hpp>
#include <strata/records/table.hpp>
#include <strata/store/core.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/item.hpp>
#include <strata/store/mount_table.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_stores.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace strata {

template <class T, DurabilityPolicy D>
Core<T, D>::Core(Options options)
    : options_(detail::checked<LayerTraits, appends>(std::move(options))),
      store_lock_(lock(options_.graph_root / paths::store_lock)),
      driver_(open_driver()),
      image_stores_(detail::read_only_roots<LayerTraits>(options_, driver_)),
      logs_(open_logs()),
      stores_(open_stores<LayerTraits>(), open_stores<ImageTraits>(), open_stores<ContainerTraits>()),
      mounts_(std::make_unique<MountTable<Serializer, Lock>>(
          lock(mount_file(paths::lock_extension)),
          RecordFile<MountRecord, Serializer>(mount_file("").parent_path(), paths::mount_stem))) {
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
Core<T, D>::~Core() = default;

template <class T, DurabilityPolicy D>
auto Core<T, D>::flush() const noexcept -> Flush {
  return options_.durability.level();
}

template <class T, DurabilityPolicy D>
auto Core<T, D>::userns_lock() const -> Lock {
  return lock(options_.graph_root / paths::userns_lock);
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::table() -> Table<Traits, Lock>& {
  if (options_.read_only) return own<Traits>().table;
  if (Traits::locked_first)
    recovery_.before_layers(*this);
  else
    recovery_.before_data(*this);
  return own<Traits>().table;
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::own() -> ReadableStoreOf<Traits>& {
  return *readable_stores<Traits>().front();
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::read_view() -> ReadView<Traits, Lock> {
  table<Traits>();
  return ReadView<Traits, Lock>(readable_stores<Traits>());
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::read_only_view() -> ReadView<Traits, Lock> {
  return ReadView<Traits, Lock>(readable_stores<Traits>(), ReadOnlyStoresOnly{});
}

template <class T, DurabilityPolicy D>
template <class Traits, class Rows>
auto Core<T, D>::own_row(Rows const& rows, Ref const& ref, std::string_view what)
    -> Row<typename Traits::Record> {
  auto row = rows.find(ref);
  if (!row)
    if (auto const found = read_only_view<Traits>().find(ref); found && !rows.by_id(found->id))
      throw found.place->refusal(what);
  return row ? row : rows.get(ref);
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::readable_stores() -> ReadableStoresOf<Traits>& {
  return std::get<ReadableStoresOf<Traits>>(stores_);
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::own_table() const -> Table<Traits, Lock> {
  using Storage = typename Table<Traits, Lock>::Storage;
  auto const places = this->template record_places<Traits>();
  TableOptions<Lock> options;
  if (!places.image_store.empty())
    options.second.emplace(lock(this->lock_file(places.image_store, Traits::stem)));
  for (auto const& directory : {places.main, places.image_store, places.volatiles})
    if (!directory.empty() && !options_.read_only) sys::make_directories(directory, 0700, flush());
  auto guard = lock(this->lock_file(this->template lock_directory<Traits>(), Traits::stem));
  if constexpr (appends)
    return {std::move(guard), Storage(logs_.front(), Traits::stem), std::move(options)};
  else
    return {std::move(guard), Storage(places, Traits::stem), std::move(options)};
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::other_table(fs::path const& directory, std::size_t store) const -> Table<Traits, Lock> {
  using Storage = typename Table<Traits, Lock>::Storage;
  Lock guard(this->lock_file(directory, Traits::stem), ReadOnly{});
  TableOptions<Lock> options{.second = {}, .read_only = true, .place = directory};
  if constexpr (appends)
    return {std::move(guard), Storage(logs_[store + 1], Traits::stem), std::move(options)};
  else
    return {std::move(guard), Storage(directory, Traits::stem), std::move(options)};
}

template <class T, DurabilityPolicy D>
template <class Traits>
auto Core<T, D>::open_stores() const -> ReadableStoresOf<Traits> {
  ReadableStoresOf<Traits> out;
  out.emplace_back(new ReadableStoreOf<Traits>{own_table<Traits>(), this->template kind_directory<Traits>()});
  if constexpr (Traits::found_in_read_only_stores) {
    auto const add = [&](fs::path const& root, std::size_t store) {
      auto const directory = this->template kind_directory<Traits>(root);
      out.emplace_back(new ReadableStoreOf<Traits>{other_table<Traits>(directory, store), directory, true,
                                                   root == options_.graph_root});
    };
    // Images in the graph root from before there was an image store: listed, used and removed, but not
    // changed.
    if (Traits::data_in_image_store && !options_.image_store.empty()) add(options_.graph_root, 0);
    for (std::size_t i = 0; i < image_stores_.size(); ++i) add(image_stores_[i], i);
  }
  return out;
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

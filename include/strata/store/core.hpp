#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/log.hpp>
#include <strata/records/own_fields.hpp>
#include <strata/records/record.hpp>
#include <strata/records/record_file.hpp>
#include <strata/records/record_storage.hpp>
#include <strata/records/table.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/item.hpp>
#include <strata/store/mount_table.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_stores.hpp>
#include <strata/store/recovery.hpp>
#include <strata/store/store_options.hpp>
#include <strata/store/store_paths.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace strata {

template <class Core>
class Layers;
template <class Core>
class Images;
template <class Core>
class Containers;

namespace detail {
template <class S, class Lock, bool appends>
struct LogOf {
  using type = void;
};
template <class S, class Lock>
struct LogOf<S, Lock, true> {
  using type = Log<S, Lock>;
};
}  // namespace detail

/// Internals of a store: tables, driver, locks and paths, shared by the store and its items. Knows each kind
/// of item, but no rule that involves two kinds.
template <class T, DurabilityPolicy D>
class Core : public std::enable_shared_from_this<Core<T, D>>, public StorePaths<Core<T, D>> {
  using StoreSerializer = SerializerOf<typename T::Serializer, typename T::Layer::Record,
                                       typename T::Image::Record, typename T::Container::Record>;
  template <class Base>
  struct InStore : Base {
    using Core = strata::Core<T, D>;
    using Serializer = StoreSerializer;
  };

 public:
  using Composition = T;
  using Durability = D;
  using Driver = typename T::Driver;
  using Serializer = StoreSerializer;
  using Lock = typename T::Lock;
  using Codecs = typename T::Codecs;
  using LayerTraits = InStore<typename T::Layer>;
  using ImageTraits = InStore<typename T::Image>;
  using ContainerTraits = InStore<typename T::Container>;
  using Options = StoreOptions<Driver, D>;
  static constexpr bool appends = AppendingSerializerFor<Serializer, LayerRecord>;
  static_assert(std::derived_from<typename LayerTraits::Record, LayerRecord> &&
                    std::derived_from<typename ImageTraits::Record, ImageRecord> &&
                    std::derived_from<typename ContainerTraits::Record, ContainerRecord>,
                "a record of your own derives from the library's");
  static_assert(ItemTraits<LayerTraits> && ItemTraits<ImageTraits> && ItemTraits<ContainerTraits>);

  /// Creates what is missing, unless opened for reading, and collects leftovers of dead processes: staged
  /// trees and half-deleted ones. Damage in a record file is reported when its kind is first used.
  explicit Core(Options options);

  Options const& options() const noexcept { return options_; }
  Driver& driver() noexcept { return driver_; }
  Driver const& driver() const noexcept { return driver_; }
  Flush flush() const noexcept;
  MountTable<Serializer, Lock>& mounts() noexcept { return mounts_; }
  Lock& store_lock() noexcept { return store_lock_; }
  /// Held while a container with ids of its own is created, until its record is stored. Taken before all
  /// other locks.
  Lock userns_lock() const;

  /// The store's own table of a kind. The first access to layers completes the intents of dead processes, as
  /// does access to items whose data was being replaced. Failures within this object are completed at the
  /// next access to layers: these are locked first, so the caller holds no other table.
  template <class Traits>
  Table<Traits, Lock>& table() {
    if (options_.read_only) return own<Traits>().table;
    if (Traits::locked_first)
      recovery_.before_layers(*this);
    else
      recovery_.before_data(*this);
    return own<Traits>().table;
  }

  /// Completes pending intents, if any. No table may be locked.
  void collect_left();

  /// Makes the next access collect again, after intents were left as if the process had died.
  void collect_again() noexcept;

  template <class Traits>
  using ReadableStoreOf = ReadableStore<Traits, Lock>;
  template <class Traits>
  using FoundRow = Found<Traits, Lock>;

  /// The store's own place of a kind.
  template <class Traits>
  ReadableStoreOf<Traits>& own() {
    return *readable_stores<Traits>().front();
  }

  /// Read view of a kind in all places, the store's own and the read-only stores. No other guard of the kind
  /// may be held.
  template <class Traits>
  ReadView<Traits, Lock> read_view() {
    table<Traits>();
    return ReadView<Traits, Lock>(readable_stores<Traits>());
  }

  /// Read view of the read-only stores alone; a guard of the store's own table may be held. Does not wait.
  template <class Traits>
  ReadView<Traits, Lock> read_only_view() {
    return ReadView<Traits, Lock>(readable_stores<Traits>(), ReadOnlyStoresOnly{});
  }

  /// The store's own record of an item, to be changed. @param rows  guard of the table
  /// @throws `Errc::store_read_only` if only a read-only store has the item; `Traits::unknown`
  template <class Traits, class Rows>
  auto own_row(Rows const& rows, Ref const& ref, std::string_view what) {
    auto row = rows.find(ref);
    if (!row)
      if (auto const found = read_only_view<Traits>().find(ref); found && !rows.by_id(found->id))
        throw found.place->refusal(what);
    return row ? row : rows.get(ref);
  }

  Layers<Core> layers();
  Images<Core> images();
  Containers<Core> containers();

 private:
  using SharedLog = typename detail::LogOf<Serializer, Lock, appends>::type;

  template <class Traits>
  ReadableStores<Traits, Lock>& readable_stores() {
    return std::get<ReadableStores<Traits, Lock>>(stores_);
  }

  Lock lock(fs::path path) const;

  Driver open_driver();

  /// Logs of all stores, the own one first; none if the serializer does not append.
  std::vector<std::shared_ptr<SharedLog>> open_logs() const;

  template <class Traits>
  Table<Traits, Lock> own_table() const {
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

  template <class Traits>
  Table<Traits, Lock> other_table(fs::path const& directory, std::size_t store) const {
    using Storage = typename Table<Traits, Lock>::Storage;
    Lock guard(this->lock_file(directory, Traits::stem), ReadOnly{});
    TableOptions<Lock> options{.second = {}, .read_only = true, .place = directory};
    if constexpr (appends)
      return {std::move(guard), Storage(logs_[store + 1], Traits::stem), std::move(options)};
    else
      return {std::move(guard), Storage(directory, Traits::stem), std::move(options)};
  }

  template <class Traits>
  ReadableStores<Traits, Lock> open_stores() const {
    ReadableStores<Traits, Lock> out;
    out.emplace_back(
        new ReadableStoreOf<Traits>{own_table<Traits>(), this->template kind_directory<Traits>()});
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

  fs::path mount_file(std::string_view extension) const;

  Options options_;
  Lock store_lock_;
  Driver driver_;
  std::vector<fs::path> image_stores_;  ///< graph roots of read-only stores, in order
  std::vector<std::shared_ptr<SharedLog>> logs_;
  std::tuple<ReadableStores<LayerTraits, Lock>, ReadableStores<ImageTraits, Lock>,
             ReadableStores<ContainerTraits, Lock>>
      stores_;
  MountTable<Serializer, Lock> mounts_;
  Recovery recovery_;
};

}  // namespace strata

#include <strata/impl/store/core.hpp>

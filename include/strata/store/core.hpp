#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/idmap/range.hpp>
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
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
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

/// Location of a store, and how it is opened.
template <class Driver, class Durability>
struct StoreOptions {
  std::filesystem::path graph_root;  ///< persistent data; created if missing
  std::filesystem::path run_root;    ///< mount counts and the like; may be lost at reboot
  typename Driver::Options driver = {};
  [[no_unique_address]] Durability durability = {};
  bool read_only = false;  ///< change and create nothing, including lock files

  /// Graph roots of read-only stores, searched in this order after the store itself. Nothing is created or
  /// locked in them that did not exist, and they may be on a file system that is read-only or refuses locks.
  /// Added to those in the driver's options.
  std::vector<std::filesystem::path> image_stores = {};
  /// Root of images and of the layers that no container writes to, shared by all stores that name it. Empty:
  /// the graph root. (containers/storage since 1.47; earlier releases do not see what is there.)
  std::filesystem::path image_store = {};
  /// Keep records of new containers and their layers in the run root, where the next reboot removes them.
  /// Must not be mixed with use without it, which has another lock for containers. (containers/storage since
  /// 1.45)
  bool transient = false;
  /// Keep records of volatile containers and their layers in separate files that are not flushed, as
  /// containers/storage does since 1.45. Off by default: earlier releases do not see these records, and may
  /// remove an image that such a container uses.
  bool volatile_apart = false;
  /// Mount volatile containers like others: writes are flushed when unmounting.
  bool disable_volatile = false;
  /// Maps for files of layers without a parent, and of containers without an image, unless the call has its
  /// own. Other layers have their parent's; where mounts can map ids, all are stored with host ids.
  IdMaps default_maps = {};
};

/// Internals of a store: tables, driver, locks and paths, shared by the store and its items. Knows each kind
/// of item, but no rule that involves two kinds.
template <class T, DurabilityPolicy D>
class Core : public std::enable_shared_from_this<Core<T, D>> {
  using StoreSerializer = SerializerOf<typename T::Serializer, typename T::Layer::Record,
                                       typename T::Image::Record, typename T::Container::Record>;
  template <class Base>
  struct InStore : Base {
    using Core = strata::Core<T, D>;
    using Serializer = StoreSerializer;
  };

 public:
  using Driver = typename T::Driver;
  using Serializer = StoreSerializer;
  using Lock = typename T::Lock;
  using Codecs = typename T::Codecs;
  using LayerTraits = InStore<typename T::Layer>;
  using ImageTraits = InStore<typename T::Image>;
  using ContainerTraits = InStore<typename T::Container>;
  using Options = StoreOptions<Driver, D>;
  using ApplyOptions = strata::ApplyOptions;
  using DiffOptions = strata::DiffOptions;
  using UnmountOptions = strata::UnmountOptions;
  static constexpr bool appends = AppendingSerializerFor<Serializer, LayerRecord>;
  static_assert(std::derived_from<typename LayerTraits::Record, LayerRecord> &&
                    std::derived_from<typename ImageTraits::Record, ImageRecord> &&
                    std::derived_from<typename ContainerTraits::Record, ContainerRecord>,
                "a record of your own derives from the library's");
  static_assert(ItemTraits<LayerTraits> && ItemTraits<ImageTraits> && ItemTraits<ContainerTraits>);

  /// Creates what is missing, unless opened for reading, and collects leftovers of dead processes: staged
  /// trees and half-deleted ones. Damage in a record file is reported when its kind is first used.
  explicit Core(Options options)
      : options_(checked(std::move(options))),
        store_lock_(lock(options_.graph_root / paths::store_lock)),
        driver_(open_driver()),
        image_stores_(other_stores()),
        logs_(open_logs()),
        stores_(open_stores<LayerTraits>(), open_stores<ImageTraits>(), open_stores<ContainerTraits>()),
        mounts_(lock(mount_file(paths::lock_extension)),
                RecordFile<MountRecord, Serializer>(mount_file("").parent_path(), paths::mount_stem)) {
    auto const& images = readable_stores<ImageTraits>();
    for (auto const& place : images)
      if (place != images.front())
        place->table.read();  // what is wrong there shows now, as in containers/storage
    if (options_.read_only) return;
    driver_.recover();
    // Leftovers with intents need the records and are collected at first access.
    sys::StagingDirectory::recover(layer_trash(),
                                   [](sys::StagingDirectory const& left) { return left.notes().empty(); });
  }

  Options const& options() const noexcept { return options_; }
  Driver& driver() noexcept { return driver_; }
  Driver const& driver() const noexcept { return driver_; }
  Flush flush() const noexcept { return options_.durability.level(); }
  MountTable<Serializer, Lock>& mounts() noexcept { return mounts_; }
  Lock& store_lock() noexcept { return store_lock_; }
  /// Held while a container with ids of its own is created, until its record is stored. Taken before all
  /// other locks.
  Lock userns_lock() const { return lock(options_.graph_root / paths::userns_lock); }

  /// The store's own table of a kind. The first access to layers completes the intents of dead processes, as
  /// does access to items whose data was being replaced. Failures within this object are completed at the
  /// next access to layers: these are locked first, so the caller holds no other table.
  template <class Traits>
  auto& table() {
    if (Traits::locked_first)
      collect_left();
    else if (!options_.read_only && !collected_ && is_data_left())
      collect_once();
    return own<Traits>().table;
  }

  /// Completes pending intents, if any. No table may be locked.
  void collect_left() {
    if (!options_.read_only && (!collected_ || left_)) collect_once();
  }

  /// Makes the next access collect again, after intents were left as if the process had died.
  void collect_again() noexcept { left_ = true; }

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

  Layers<Core> layers() { return Layers<Core>(this->shared_from_this()); }
  Images<Core> images() { return Images<Core>(this->shared_from_this()); }
  Containers<Core> containers() { return Containers<Core>(this->shared_from_this()); }

  /// Checks that an id, which another program may have written, can be a path component: safe, and not the
  /// name of one of the kind's own files.
  /// @throws `Errc::invalid_id`
  template <class Traits>
  static std::string const& component(std::string const& id) {
    if (!is_safe_component(id) || paths::is_reserved(id, Traits::stem, Serializer::extension()))
      throw Error(Errc::invalid_id, "\"" + id + "\"");
    return id;
  }
  /// The given id, or a new one.
  /// @throws `Errc::invalid_id` as `component`, or if the serializer would not preserve it
  template <class Traits>
  static typename Traits::Id new_id(std::string const& given) {
    using Id = typename Traits::Id;
    if (!keeps<Serializer>(given)) throw Error(Errc::invalid_id, "\"" + given + "\"");
    return given.empty() ? Id::random(Traits::id_digits) : Id(component<Traits>(given));
  }

  /// `<graph root>/<driver>-<stem>`, with the records and data of a kind; that of images is in the image
  /// store, if there is one.
  template <class Traits>
  std::filesystem::path kind_directory() const {
    bool const apart = Traits::data_in_image_store && !options_.image_store.empty();
    return kind_directory<Traits>(apart ? options_.image_store : options_.graph_root);
  }
  template <class Traits>
  std::filesystem::path kind_directory(std::filesystem::path const& root) const {
    return paths::kind_directory(root, driver_.name(), Traits::stem);
  }
  /// Directory of an item's big data; may not exist.
  /// @throws `Errc::invalid_id` if the id is the name of something else there
  template <class Traits>
  std::filesystem::path data_directory(std::string const& id) const {
    return kind_directory<Traits>() / component<Traits>(id);
  }
  /// Parent of the directory for the item's users; always in the graph root.
  template <class Traits>
  std::filesystem::path user_directory(std::string const& id) const {
    return kind_directory<Traits>(options_.graph_root) / component<Traits>(id);
  }
  /// The same in the run root.
  template <class Traits>
  std::filesystem::path run_directory(std::string const& id) const {
    return kind_directory<Traits>(options_.run_root) / component<Traits>(id);
  }
  /// Record files of a kind, the most durable first. None for a store in one log.
  template <class Traits>
  std::vector<std::pair<RecordPlace, std::filesystem::path>> record_files() const {
    if constexpr (appends) return {};
    return RecordFile<typename Traits::Record, Serializer>(record_places<Traits>(), Traits::stem).files();
  }
  std::filesystem::path tar_split(std::string const& layer) const {
    return tar_split(kind_directory<LayerTraits>(), layer);
  }
  /// @param directory  data directory of the layers
  static std::filesystem::path tar_split(std::filesystem::path const& directory, std::string const& layer) {
    return directory / (component<LayerTraits>(layer) + std::string(paths::tar_split_suffix));
  }
  /// Staging area and trash, on the file system of the records.
  std::filesystem::path layer_trash() const { return kind_directory<LayerTraits>() / paths::table_trash; }

  /// Record file for a new layer.
  RecordPlace place_of_layer(bool writable) const noexcept {
    return !writable && !options_.image_store.empty() ? RecordPlace::image_store : RecordPlace::main;
  }
  /// Record file for a new container and its layer.
  RecordPlace place_of_container(bool is_volatile) const noexcept {
    return options_.transient || (options_.volatile_apart && is_volatile) ? RecordPlace::volatile_file
                                                                          : RecordPlace::main;
  }

 private:
  using SharedLog = typename detail::LogOf<Serializer, Lock, appends>::type;

  template <class Traits>
  auto& readable_stores() {
    return std::get<ReadableStores<Traits, Lock>>(stores_);
  }

  static Options checked(Options options) {
    if (options.graph_root.empty() || options.run_root.empty())
      throw Error(Errc::incomplete_options, "no storage runroot or graphroot specified");
    options.graph_root = std::filesystem::absolute(options.graph_root).lexically_normal();
    options.run_root = std::filesystem::absolute(options.run_root).lexically_normal();
    for (auto& root : options.image_stores) root = std::filesystem::absolute(root).lexically_normal();
    if (!options.image_store.empty())
      options.image_store = std::filesystem::absolute(options.image_store).lexically_normal();
    if (appends && (options.transient || !options.image_store.empty()))
      throw Error(Errc::unsupported, "separate image store or transient store with serializer " +
                                         std::string(Serializer::name()));
    if (!ImageStoreDriver<Driver> && (!options.image_stores.empty() || !options.image_store.empty()))
      throw Error(Errc::unsupported, "several stores with this driver");
    if (!options.read_only) {
      sys::make_directories(options.graph_root, 0700, options.durability.level());
      sys::make_directories(options.run_root, 0700);
    }
    if (!options.image_store.empty()) {
      if (!options.read_only) sys::make_directories(options.image_store, 0700, options.durability.level());
      if (is_same_directory(options.image_store, options.graph_root))
        throw Error(Errc::image_store_same, "imagestore " + options.image_store.native());
    }
    check_maker(options.graph_root, options.read_only, options.durability.level());
    return options;
  }

  static bool is_same_directory(std::filesystem::path const& one, std::filesystem::path const& other) {
    std::error_code error;
    return one == other || std::filesystem::equivalent(one, other, error);
  }

  /// Read-only stores in order, without duplicates and the store itself, whose locks would deadlock.
  std::vector<std::filesystem::path> other_stores() const {
    std::vector<std::filesystem::path> roots;
    if constexpr (ImageStoreDriver<Driver>)
      for (auto const& root : driver_.image_stores()) {
        auto const known = [&](auto const& other) { return is_same_directory(root, other); };
        if (known(options_.graph_root) || known(options_.image_store) || std::ranges::any_of(roots, known))
          continue;
        if (std::filesystem::is_directory(root)) check_maker(root, true, Flush::none);
        roots.push_back(root);
      }
    return roots;
  }

  /// A store in Podman's layout has no marker. One in another layout names its serializer, so that it is not
  /// mistaken for empty.
  static void check_maker(std::filesystem::path const& root, bool read_only, Flush flush) {
    auto const marker = root / paths::marker;
    auto const found = sys::read_stored(marker);
    constexpr bool podman = requires { requires Serializer::podman_layout; };
    std::string const maker = podman ? std::string() : std::string(Serializer::name()) + '\n';
    if (found && *found != maker)
      throw Error(Errc::store_mismatch,
                  root.native() + ", written by serializer " + found->substr(0, found->find('\n')));
    if constexpr (!podman) {
      if (found) return;
      for (auto const& entry : std::filesystem::directory_iterator(root))
        if (entry.is_directory() && entry.path().native().ends_with('-' + std::string(LayerTraits::stem)))
          throw Error(Errc::store_mismatch, root.native() + ", written by serializer json");
      if (!read_only) sys::replace_file(marker, maker, {.mode = 0600, .flush = flush});
    }
  }

  Lock lock(std::filesystem::path path) const {
    return options_.read_only ? Lock(std::move(path), ReadOnly{}) : Lock(std::move(path));
  }

  Driver open_driver() {
    auto const alone = options_.read_only ? std::optional<typename Lock::Guard>{}
                                          : std::make_optional(store_lock_.exclusive());
    return Driver(DriverPlace{.graph_root = options_.graph_root,
                              .run_root = options_.run_root,
                              .read_only = options_.read_only,
                              .image_stores = options_.image_stores,
                              .image_store = options_.image_store},
                  options_.driver);
  }

  /// Logs of all stores, the own one first; none if the serializer does not append.
  std::vector<std::shared_ptr<SharedLog>> open_logs() const {
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

  /// Record files of a kind, for serializers that use files.
  template <class Traits>
  RecordPlaces record_places() const {
    RecordPlaces places{.main = kind_directory<Traits>()};
    if (Traits::records_in_image_store && !options_.image_store.empty())
      places.image_store = kind_directory<Traits>(options_.image_store);
    if (options_.transient && Traits::may_be_volatile)
      places.volatiles = kind_directory<Traits>(options_.run_root);
    return places;
  }

  /// In a transient store the lock of containers is in the run root, with their records.
  template <class Traits>
  std::filesystem::path lock_directory() const {
    bool const moved = Traits::lock_follows_volatile && options_.transient;
    return moved ? kind_directory<Traits>(options_.run_root) : kind_directory<Traits>();
  }
  static std::filesystem::path lock_file(std::filesystem::path const& directory, std::string_view stem) {
    return directory / (std::string(stem) + std::string(paths::lock_extension));
  }

  template <class Traits>
  Table<Traits, Lock> own_table() const {
    using Storage = typename Table<Traits, Lock>::Storage;
    auto const places = record_places<Traits>();
    TableOptions<Lock> options;
    if (!places.image_store.empty())
      options.second.emplace(lock(lock_file(places.image_store, Traits::stem)));
    for (auto const& directory : {places.main, places.image_store, places.volatiles})
      if (!directory.empty() && !options_.read_only) sys::make_directories(directory, 0700, flush());
    auto guard = lock(lock_file(lock_directory<Traits>(), Traits::stem));
    if constexpr (appends)
      return {std::move(guard), Storage(logs_.front(), Traits::stem), std::move(options)};
    else
      return {std::move(guard), Storage(places, Traits::stem), std::move(options)};
  }

  template <class Traits>
  Table<Traits, Lock> other_table(std::filesystem::path const& directory, std::size_t store) const {
    using Storage = typename Table<Traits, Lock>::Storage;
    Lock guard(lock_file(directory, Traits::stem), ReadOnly{});
    TableOptions<Lock> options{.second = {}, .read_only = true, .place = directory};
    if constexpr (appends)
      return {std::move(guard), Storage(logs_[store + 1], Traits::stem), std::move(options)};
    else
      return {std::move(guard), Storage(directory, Traits::stem), std::move(options)};
  }

  template <class Traits>
  ReadableStores<Traits, Lock> open_stores() const {
    ReadableStores<Traits, Lock> out;
    out.emplace_back(new ReadableStoreOf<Traits>{own_table<Traits>(), kind_directory<Traits>()});
    if constexpr (Traits::found_in_read_only_stores) {
      auto const add = [&](std::filesystem::path const& root, std::size_t store) {
        auto const directory = kind_directory<Traits>(root);
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

  /// True if a dead process was replacing an item's data. The first caller holds no lock yet.
  bool is_data_left() {
    if (looked_for_data_) return false;
    bool const left = std::ranges::any_of(sys::StagingDirectory::look(layer_trash()), [](auto const& seen) {
      return !seen.in_use && std::ranges::any_of(seen.notes, &is_about_data);
    });
    looked_for_data_ = !left;
    return left;
  }

  /// Other threads wait until collection ends; the collecting thread itself passes, since it needs the
  /// tables.
  void collect_once() {
    std::scoped_lock const alone(collecting_mutex_);
    if (collecting_ || (collected_ && !left_)) return;
    collecting_ = true;
    left_ = false;
    try {
      collect_after_crash(*this);
    } catch (...) {
      collecting_ = false;
      left_ = true;
      throw;
    }
    collecting_ = false;
    collected_ = true;
  }

  std::filesystem::path mount_file(std::string_view extension) const {
    auto const directory = paths::kind_directory(options_.run_root, driver_.name(), LayerTraits::stem);
    if (!options_.read_only) sys::make_directories(directory, 0700);
    return directory / (std::string(paths::mount_stem) + std::string(extension));
  }

  Options options_;
  Lock store_lock_;
  Driver driver_;
  std::vector<std::filesystem::path> image_stores_;  ///< graph roots of read-only stores, in order
  std::vector<std::shared_ptr<SharedLog>> logs_;
  std::tuple<ReadableStores<LayerTraits, Lock>, ReadableStores<ImageTraits, Lock>,
             ReadableStores<ContainerTraits, Lock>>
      stores_;
  MountTable<Serializer, Lock> mounts_;
  std::atomic<bool> collected_ = false;
  std::atomic<bool> left_ = false;  ///< intents left by this object since then
  std::atomic<bool> looked_for_data_ = false;
  std::recursive_mutex collecting_mutex_;
  bool collecting_ = false;  ///< by the thread that holds the mutex
};

}  // namespace strata

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

/// Where a store is and how it is opened.
template <class Driver, class Durability>
struct StoreOptions {
  std::filesystem::path graph_root;  ///< what must survive a reboot; made if it is missing
  std::filesystem::path run_root;    ///< mount counts and the like; may be lost at reboot
  typename Driver::Options driver = {};
  [[no_unique_address]] Durability durability = {};
  bool read_only = false;  ///< change and make nothing, lock files included

  /// Graph roots of further stores, whose layers and images are found behind the store's own, in this order. They are only
  /// read: nothing is made or locked in them that was not there, and they may be on a file system that can only be read
  /// or that refuses locks. To those that the driver's options name.
  std::vector<std::filesystem::path> image_stores = {};
  /// Root of images, and of the layers that no container writes to; they are then shared by all stores that name it. Empty:
  /// the graph root. (containers/storage since 1.47; earlier releases do not see what is there.)
  std::filesystem::path image_store = {};
  /// Keeps the records of new containers and of their layers in the run root: they are gone with the next reboot. Never to
  /// be mixed with use without it, which has another lock for containers. (containers/storage since 1.45)
  bool transient = false;
  /// Keeps the records of volatile containers and of their layers in files of their own, which are not flushed, as
  /// containers/storage does since 1.45. Not done unasked, since earlier releases neither see these nor keep what they
  /// stand on: an image that such a container was made from would be theirs to remove.
  bool volatile_apart = false;
  /// Mounts volatile containers as others are: what is written in them is flushed at unmounting.
  bool disable_volatile = false;
  /// Whose ids the files of new layers have that have no parent, and those of containers without an image, where the call
  /// does not say. Layers over a parent have the parent's, and where mounts can map ids, all are stored with the host's.
  IdMaps default_maps = {};
};

/// The inner parts of a store: tables, driver, locks and places, shared by the store and its items. It knows each kind
/// of item, but no rule that ties two kinds together.
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

  /// Makes what is missing of the store, unless it is opened for reading, and collects what dead processes left
  /// behind: staged trees and half-deleted ones. Damage in a record file shows when its kind is first used.
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
    // What takes a look at records is done when somebody asks for them.
    sys::StagingDirectory::recover(layer_trash(),
                                   [](sys::StagingDirectory const& left) { return left.notes().empty(); });
  }

  Options const& options() const noexcept { return options_; }
  Driver& driver() noexcept { return driver_; }
  Driver const& driver() const noexcept { return driver_; }
  Flush flush() const noexcept { return options_.durability.level(); }
  MountTable<Serializer, Lock>& mounts() noexcept { return mounts_; }
  Lock& store_lock() noexcept { return store_lock_; }
  /// Held by who makes a container with ids of its own, before all other locks, until its record tells of them.
  Lock userns_lock() const { return lock(options_.graph_root / paths::userns_lock); }

  /// The store's own rows of a kind. Whoever looks at layers first finishes what dead processes began; so does
  /// who looks at items whose data they were replacing. What failed half way in this object is finished by who looks at
  /// layers next: they are the first to be locked, so that nobody waits here who holds another table.
  template <class Traits>
  auto& table() {
    if (Traits::locked_first)
      collect_left();
    else if (!options_.read_only && !collected_ && is_data_left())
      collect_once();
    return own<Traits>().table;
  }

  /// Finishes what was left, unless that was done. No table may be held.
  void collect_left() {
    if (!options_.read_only && (!collected_ || left_)) collect_once();
  }

  /// Something was left with its notes, as if the process had died: it is collected once more.
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

  /// Looks at the rows of a kind in all places, the store's own and those that are only read. No other guard of the kind
  /// may be held.
  template <class Traits>
  ReadView<Traits, Lock> read_view() {
    table<Traits>();
    return ReadView<Traits, Lock>(readable_stores<Traits>());
  }

  /// The same without the store's own, a guard of which may be held. Waits for nobody.
  template <class Traits>
  ReadView<Traits, Lock> read_only_view() {
    return ReadView<Traits, Lock>(readable_stores<Traits>(), ReadOnlyStoresOnly{});
  }

  /// The store's own row, to be changed. @param rows  a guard of its table
  /// @throws `Errc::store_read_only` if only another store has one; `Traits::unknown`
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

  /// A record that another program wrote may carry any id; only a safe one, that no file of the kind itself has as its
  /// name, may become a path.
  /// @throws `Errc::invalid_id`
  template <class Traits>
  static std::string const& component(std::string const& id) {
    if (!is_safe_component(id) || paths::is_reserved(id, Traits::stem, Serializer::extension()))
      throw Error(Errc::invalid_id, "\"" + id + "\"");
    return id;
  }
  /// The id that a caller gave, or a new one.
  /// @throws `Errc::invalid_id`: as `component`, or the serializer would not give it back as it is
  template <class Traits>
  static typename Traits::Id new_id(std::string const& given) {
    using Id = typename Traits::Id;
    if (!keeps<Serializer>(given)) throw Error(Errc::invalid_id, "\"" + given + "\"");
    return given.empty() ? Id::random(Traits::id_digits) : Id(component<Traits>(given));
  }

  /// `<graph root>/<driver>-<stem>`, where records and data of a kind are; those of images in the image store, if there is
  /// one (on-disk-format §1.5).
  template <class Traits>
  std::filesystem::path kind_directory() const {
    bool const apart = Traits::data_in_image_store && !options_.image_store.empty();
    return kind_directory<Traits>(apart ? options_.image_store : options_.graph_root);
  }
  template <class Traits>
  std::filesystem::path kind_directory(std::filesystem::path const& root) const {
    return paths::kind_directory(root, driver_.name(), Traits::stem);
  }
  /// Directory of an item's big data; need not exist.
  /// @throws `Errc::invalid_id`: there, the id is the name of something else
  template <class Traits>
  std::filesystem::path data_directory(std::string const& id) const {
    return kind_directory<Traits>() / component<Traits>(id);
  }
  /// Parent of the directory that an item's users are given: in the graph root always.
  template <class Traits>
  std::filesystem::path user_directory(std::string const& id) const {
    return kind_directory<Traits>(options_.graph_root) / component<Traits>(id);
  }
  /// The same in the run root.
  template <class Traits>
  std::filesystem::path run_directory(std::string const& id) const {
    return kind_directory<Traits>(options_.run_root) / component<Traits>(id);
  }
  /// Files that records of a kind are in, the one that survives a power cut first. None for a store of one log.
  template <class Traits>
  std::vector<std::pair<RecordPlace, std::filesystem::path>> record_files() const {
    if constexpr (appends) return {};
    return RecordFile<typename Traits::Record, Serializer>(record_places<Traits>(), Traits::stem).files();
  }
  std::filesystem::path tar_split(std::string const& layer) const {
    return tar_split(kind_directory<LayerTraits>(), layer);
  }
  /// @param directory  of the layers of a place
  static std::filesystem::path tar_split(std::filesystem::path const& directory, std::string const& layer) {
    return directory / (component<LayerTraits>(layer) + std::string(paths::tar_split_suffix));
  }
  /// Where files are built or wait for their deletion, on the file system of the records.
  std::filesystem::path layer_trash() const { return kind_directory<LayerTraits>() / paths::table_trash; }

  /// Where the record of a new layer goes.
  RecordPlace place_of_layer(bool writable) const noexcept {
    return !writable && !options_.image_store.empty() ? RecordPlace::image_store : RecordPlace::main;
  }
  /// Where that of a new container and of its layer goes.
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

  /// The stores that are only read, each once, in order. Those that are the store itself tell nothing new, and would wait
  /// for its locks for ever.
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

  /// Podman's layout names no maker, its record files are enough. A store in another layout says who wrote it, so that
  /// nobody takes it for empty.
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

  /// Of all stores, the own one first; none if the serializer does not append.
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

  /// Where records of a kind are, for serializers that keep them in files.
  template <class Traits>
  RecordPlaces record_places() const {
    RecordPlaces places{.main = kind_directory<Traits>()};
    if (Traits::records_in_image_store && !options_.image_store.empty())
      places.image_store = kind_directory<Traits>(options_.image_store);
    if (options_.transient && Traits::may_be_volatile)
      places.volatiles = kind_directory<Traits>(options_.run_root);
    return places;
  }

  /// The lock of containers moves with their volatile records (on-disk-format §1.6).
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
      // Images from before there was a separate image store: shown and used, removed, and not changed otherwise.
      if (Traits::data_in_image_store && !options_.image_store.empty()) add(options_.graph_root, 0);
      for (std::size_t i = 0; i < image_stores_.size(); ++i) add(image_stores_[i], i);
    }
    return out;
  }

  /// Has a dead process begun to replace an item's data? Who is the first to ask holds no lock yet.
  bool is_data_left() {
    if (looked_for_data_) return false;
    bool const left = std::ranges::any_of(sys::StagingDirectory::look(layer_trash()), [](auto const& seen) {
      return !seen.in_use && std::ranges::any_of(seen.notes, &is_about_data);
    });
    looked_for_data_ = !left;
    return left;
  }

  /// Who comes while another thread is at it waits; that thread itself passes, for it needs the tables.
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
  std::vector<std::filesystem::path> image_stores_;  ///< graph roots that are only read, in order
  std::vector<std::shared_ptr<SharedLog>> logs_;
  std::tuple<ReadableStores<LayerTraits, Lock>, ReadableStores<ImageTraits, Lock>,
             ReadableStores<ContainerTraits, Lock>>
      stores_;
  MountTable<Serializer, Lock> mounts_;
  std::atomic<bool> collected_ = false;
  std::atomic<bool> left_ = false;  ///< by this object, since then
  std::atomic<bool> looked_for_data_ = false;
  std::recursive_mutex collecting_mutex_;
  bool collecting_ = false;  ///< by the thread that has the mutex
};

}  // namespace strata

#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/item/item.hpp>
#include <strata/item/layer.hpp>
#include <strata/item/log.hpp>
#include <strata/item/record_storage.hpp>
#include <strata/item/table.hpp>
#include <strata/paths.hpp>
#include <strata/store/mount_table.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/temp_dir.hpp>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
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
};

/// The inner parts of a store: tables, driver, locks and places, shared by the store and its items. It knows each kind
/// of item, but no rule that ties two kinds together.
template <class T, DurabilityPolicy D>
class Core : public std::enable_shared_from_this<Core<T, D>> {
  template <class Base>
  struct InStore : Base {
    using Core = strata::Core<T, D>;
  };

 public:
  using Driver = typename T::Driver;
  using Serializer = typename T::Serializer;
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
  static_assert(ItemTraits<LayerTraits> && ItemTraits<ImageTraits> && ItemTraits<ContainerTraits>);

  /// Makes what is missing of the store, unless it is opened for reading, and collects what dead processes left
  /// behind: staged trees and half-deleted ones. Damage in a record file shows when its kind is first used.
  explicit Core(Options options)
      : options_(checked(std::move(options))),
        store_lock_(lock(options_.graph_root / paths::store_lock)),
        driver_(open_driver()),
        log_(open_log()),
        layers_(open_table<LayerTraits>()),
        images_(open_table<ImageTraits>()),
        containers_(open_table<ContainerTraits>()),
        mounts_(lock(mount_file(paths::lock_extension)),
                RecordFile<MountRecord, Serializer>(mount_file("").parent_path(), paths::mount_stem)) {
    if (options_.read_only) return;
    driver_.recover();
    // What takes a look at records is done when somebody asks for them.
    sys::TempDir::recover(layer_trash(), [](sys::TempDir const& left) { return left.notes().empty(); });
  }

  Options const& options() const noexcept { return options_; }
  Driver& driver() noexcept { return driver_; }
  Driver const& driver() const noexcept { return driver_; }
  Flush flush() const noexcept { return options_.durability.level(); }
  MountTable<Serializer, Lock>& mounts() noexcept { return mounts_; }
  Lock& store_lock() noexcept { return store_lock_; }

  /// The rows of a kind. Whoever looks at layers first finishes what dead processes began with them.
  template <class Traits>
  auto& table() {
    if constexpr (std::same_as<Traits, LayerTraits>) {
      if (!options_.read_only && !collected_.exchange(true)) try {
          collect_after_crash(*this);
        } catch (...) {
          collected_ = false;
          throw;
        }
      return layers_;
    }
    if constexpr (std::same_as<Traits, ImageTraits>) return images_;
    if constexpr (std::same_as<Traits, ContainerTraits>) return containers_;
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
  template <class Traits>
  static typename Traits::Id new_id(std::string const& given) {
    using Id = typename Traits::Id;
    return given.empty() ? Id::random(Traits::id_digits) : Id(component<Traits>(given));
  }

  /// `<graph root>/<driver>-<stem>`, where records and data of a kind are.
  template <class Traits>
  std::filesystem::path kind_directory() const {
    return paths::kind_directory(options_.graph_root, driver_.name(), Traits::stem);
  }
  /// Directory of an item's big data; need not exist.
  /// @throws `Errc::invalid_id`: there, the id is the name of something else
  template <class Traits>
  std::filesystem::path data_directory(std::string const& id) const {
    return kind_directory<Traits>() / component<Traits>(id);
  }
  /// The same in the run root.
  template <class Traits>
  std::filesystem::path run_directory(std::string const& id) const {
    return paths::kind_directory(options_.run_root, driver_.name(), Traits::stem) / component<Traits>(id);
  }
  /// Files that records of a kind are in, the one that survives a power cut first. None for a store of one log.
  template <class Traits>
  std::vector<std::filesystem::path> record_files() const {
    if constexpr (appends) return {};
    auto const file =
        std::string(Traits::stem) + '.' + std::string(std::string_view(Serializer::extension()));
    auto const directory = kind_directory<Traits>();
    if constexpr (requires(typename Traits::Record & record) { record.volatile_file; })
      return {directory / file, directory / (std::string(paths::volatile_prefix) + file)};
    else
      return {directory / file};
  }
  /// The lock of a kind, for who must look at its files while no table can be loaded from them.
  template <class Traits>
  Lock record_lock() const {
    return lock(kind_directory<Traits>() / (std::string(Traits::stem) + std::string(paths::lock_extension)));
  }
  std::filesystem::path tar_split(std::string const& layer) const {
    return kind_directory<LayerTraits>() /
           (component<LayerTraits>(layer) + std::string(paths::tar_split_suffix));
  }
  /// Where files are built or wait for their deletion, on the file system of the records.
  std::filesystem::path layer_trash() const { return kind_directory<LayerTraits>() / paths::table_trash; }

 private:
  using SharedLog = typename detail::LogOf<Serializer, Lock, appends>::type;

  static Options checked(Options options) {
    if (options.graph_root.empty() || options.run_root.empty())
      throw Error(Errc::incomplete_options, "no storage runroot or graphroot specified");
    options.graph_root = std::filesystem::absolute(options.graph_root).lexically_normal();
    options.run_root = std::filesystem::absolute(options.run_root).lexically_normal();
    if (!options.read_only) {
      sys::make_directories(options.graph_root, 0700, options.durability.level());
      sys::make_directories(options.run_root, 0700);
    }
    check_maker(options);
    return options;
  }

  /// Podman's layout names no maker, its record files are enough. A store in another layout says who wrote it, so that
  /// nobody takes it for empty.
  static void check_maker(Options const& options) {
    auto const marker = options.graph_root / paths::marker;
    auto const found = sys::read_file_if_exists(marker);
    constexpr bool podman = requires { requires Serializer::podman_layout; };
    std::string const maker = podman ? std::string() : std::string(Serializer::name()) + '\n';
    if (found && *found != maker)
      throw Error(Errc::store_mismatch, options.graph_root.native() + ", written by serializer " +
                                            found->substr(0, found->find('\n')));
    if constexpr (!podman) {
      if (found) return;
      for (auto const& entry : std::filesystem::directory_iterator(options.graph_root))
        if (entry.is_directory() && entry.path().native().ends_with("-layers"))
          throw Error(Errc::store_mismatch, options.graph_root.native() + ", written by serializer json");
      if (!options.read_only)
        sys::replace_file(marker, maker, {.mode = 0600, .flush = options.durability.level()});
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
                              .read_only = options_.read_only},
                  options_.driver);
  }

  std::shared_ptr<SharedLog> open_log() {
    if constexpr (!appends)
      return nullptr;
    else if (options_.read_only)
      return std::make_shared<SharedLog>(options_.graph_root, std::string(driver_.name()), ReadOnly{});
    else
      return std::make_shared<SharedLog>(options_.graph_root, std::string(driver_.name()));
  }

  template <class Traits>
  Table<Traits, Lock> open_table() {
    using Storage = typename Table<Traits, Lock>::Storage;
    auto const directory = kind_directory<Traits>();
    if (!options_.read_only) sys::make_directories(directory, 0700, flush());
    auto guard = lock(directory / (std::string(Traits::stem) + std::string(paths::lock_extension)));
    if constexpr (appends)
      return {std::move(guard), Storage(log_, Traits::stem)};
    else
      return {std::move(guard), Storage(directory, Traits::stem)};
  }

  std::filesystem::path mount_file(std::string_view extension) const {
    auto const directory = paths::kind_directory(options_.run_root, driver_.name(), LayerTraits::stem);
    if (!options_.read_only) sys::make_directories(directory, 0700);
    return directory / (std::string(paths::mount_stem) + std::string(extension));
  }

  Options options_;
  Lock store_lock_;
  Driver driver_;
  std::shared_ptr<SharedLog> log_;  ///< of all kinds, if the serializer appends
  Table<LayerTraits, Lock> layers_;
  Table<ImageTraits, Lock> images_;
  Table<ContainerTraits, Lock> containers_;
  MountTable<Serializer, Lock> mounts_;
  std::atomic<bool> collected_ = false;
};

}  // namespace strata

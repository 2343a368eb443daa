#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/lock.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/concepts/traits.hpp>
#include <strata/durability.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/own_fields.hpp>
#include <strata/records/record.hpp>
#include <strata/store/recovery.hpp>
#include <strata/store/store_options.hpp>
#include <strata/store/store_paths.hpp>

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

// What a store is made of, named here and complete where it is made: impl/store/core.hpp.
template <ItemTraits Traits, StoreLock Lock>
class Table;
template <ItemTraits Traits, StoreLock Lock>
struct ReadableStore;
template <ItemTraits Traits, StoreLock Lock>
struct Found;
template <ItemTraits Traits, StoreLock Lock>
class ReadView;
template <class Serializer, StoreLock Lock>
class MountTable;
template <class S, StoreLock Lock>
class Log;

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
  ~Core();

  Options const& options() const noexcept { return options_; }
  Driver& driver() noexcept { return driver_; }
  Driver const& driver() const noexcept { return driver_; }
  Flush flush() const noexcept;
  MountTable<Serializer, Lock>& mounts() noexcept { return *mounts_; }
  Lock& store_lock() noexcept { return store_lock_; }
  /// Held while a container with ids of its own is created, until its record is stored. Taken before all
  /// other locks.
  Lock userns_lock() const;

  /// The store's own table of a kind. The first access to layers completes the intents of dead processes, as
  /// does access to items whose data was being replaced. Failures within this object are completed at the
  /// next access to layers: these are locked first, so the caller holds no other table.
  template <class Traits>
  Table<Traits, Lock>& table();

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
  ReadableStoreOf<Traits>& own();

  /// Read view of a kind in all places, the store's own and the read-only stores. No other guard of the kind
  /// may be held.
  template <class Traits>
  ReadView<Traits, Lock> read_view();

  /// Read view of the read-only stores alone; a guard of the store's own table may be held. Does not wait.
  template <class Traits>
  ReadView<Traits, Lock> read_only_view();

  /// The store's own record of an item, to be changed. @param rows  guard of the table
  /// @throws `Errc::store_read_only` if only a read-only store has the item; `Traits::unknown`
  template <class Traits, class Rows>
  Row<typename Traits::Record> own_row(Rows const& rows, Ref const& ref, std::string_view what);

  Layers<Core> layers();
  Images<Core> images();
  Containers<Core> containers();

 private:
  template <class Traits>
  using ReadableStoresOf = std::vector<std::unique_ptr<ReadableStoreOf<Traits>>>;
  using SharedLog = typename detail::LogOf<Serializer, Lock, appends>::type;

  template <class Traits>
  ReadableStoresOf<Traits>& readable_stores();

  Lock lock(fs::path path) const;

  Driver open_driver();

  /// Logs of all stores, the own one first; none if the serializer does not append.
  std::vector<std::shared_ptr<SharedLog>> open_logs() const;

  template <class Traits>
  Table<Traits, Lock> own_table() const;

  template <class Traits>
  Table<Traits, Lock> other_table(fs::path const& directory, std::size_t store) const;

  template <class Traits>
  ReadableStoresOf<Traits> open_stores() const;

  fs::path mount_file(std::string_view extension) const;

  Options options_;
  Lock store_lock_;
  Driver driver_;
  std::vector<fs::path> image_stores_;  ///< graph roots of read-only stores, in order
  std::vector<std::shared_ptr<SharedLog>> logs_;
  std::tuple<ReadableStoresOf<LayerTraits>, ReadableStoresOf<ImageTraits>, ReadableStoresOf<ContainerTraits>>
      stores_;
  std::unique_ptr<MountTable<Serializer, Lock>> mounts_;
  Recovery recovery_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/core.hpp>
#endif

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/problem.hpp>
#include <strata/records/image.hpp>
#include <strata/records/names.hpp>
#include <strata/records/record.hpp>
#include <strata/store/big_data.hpp>
#include <strata/store/mount_point.hpp>
#include <strata/store/options.hpp>
#include <strata/store/parent_owners.hpp>
#include <strata/timestamp.hpp>
#include <strata/tree/layer_entries.hpp>
#include <strata/tree/layer_tree.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

/// Handle on one layer, image or container of an open store.
///
/// It holds an immutable snapshot of the record, taken when the handle was made and after each change made
/// through it. Copies are cheap; the store stays open while a handle exists. One handle must not be used by
/// two threads at once; different handles on the same item may.
///
/// `T` is one of the store's traits (`LayerTraits`, `ImageTraits`, `ContainerTraits` or a type derived from
/// one), with the internals of the store as `T::Core`. Functions that need files (`mount`, `diff`) use the
/// item's layer: the layer itself, an image's top layer, a container's own layer.
template <class T>
class Item {
 public:
  using Traits = T;
  using Record = typename T::Record;
  using Id = typename T::Id;
  using Core = typename T::Core;
  using LayerTraits = typename Core::LayerTraits;

  using ReadableStore = typename Core::template ReadableStoreOf<T>;
  static constexpr std::string_view kind = T::kind;

  /// @param place  store in which the record was found; null: the store itself
  Item(std::shared_ptr<Core> core, Row<Record> row, ReadableStore* place = nullptr);

  /// @throws `Errc::invalid_id` if another program recorded an id that is not valid
  Id id() const;
  names::List const& names() const noexcept { return row_->names; }
  std::string const& metadata() const noexcept { return row_->metadata; }
  Timestamp created() const noexcept { return row_->created; }
  Record const& record() const noexcept { return *row_; }

  /// True if the item is in a read-only store. Names of such an image can still be changed, which copies its
  /// record into the store itself; any other change throws `Errc::store_read_only`.
  bool read_only() const noexcept;
  /// True if it can be removed. That includes images in the graph root of a store with a separate image
  /// store.
  bool removable() const noexcept;

  /// Replaces the names. A name that another item of the kind has moves to this one. Writes the record under
  /// the exclusive lock of its kind.
  /// @return the resulting names, without duplicates
  /// @throws `T::unknown` if the item was removed, `Errc::store_read_only`
  names::List set_names(names::List const& wanted);
  /// Adds names. @return, @throws as `set_names`
  names::List add_names(names::List const& added);
  /// Removes those of the names that it has. @return, @throws as `set_names`
  names::List remove_names(names::List const& removed);

  /// Replaces the metadata, a text that strata does not interpret. @throws as `set_names`
  void set_metadata(std::string text);

  /// Changes the record as it stands now: fields of a record type of your own, `flags`, `extra`, the metadata.
  ///
  ///     item.edit([](auto& record) { record.team = "build"; });
  ///
  /// What ties the record to files and to other items must stay: every field that `Traits::may_edit` does not
  /// list (id, names, creation time, digests, sizes, id maps, keys of big data, …), the record's file, the flag
  /// `Traits::fixed_flag`, and what `Traits::refers_to` and `Traits::layer_of` give.
  /// @param apply_change  called once, with the lock of the kind's table held: it must not use the store
  /// @throws `Errc::record_field`, with the field in its subject: one of those was changed;
  ///         `Errc::store_read_only`, `Traits::unknown`, what `apply_change` throws. The record is then as it
  ///         was (strong guarantee)
  template <std::invocable<Record&> Change>
  void edit(Change&& apply_change) {
    edit_by([&](Record& record) { apply_change(record); });
  }

  /// Named blobs stored with the item.
  [[nodiscard]] BigData<Item&> big_data() & { return BigData<Item&>(*this); }
  /// Named blobs stored with the item.
  [[nodiscard]] BigData<Item const&> big_data() const& { return BigData<Item const&>(*this); }
  /// Named blobs stored with the item.
  [[nodiscard]] BigData<Item> big_data() && { return BigData<Item>(std::move(*this)); }

  /// Reads the record again. @throws `T::unknown` if the item was removed
  void refresh();

  // Layers --------------------------------------------------------------------------------------------------

  /// Parent layer; none for a base layer. @throws `Errc::layer_unknown` if the parent's record is missing
  [[nodiscard]] std::optional<Item<LayerTraits>> parent() const requires(T::has_parent);

  /// Unpacks an archive over the layer's contents.
  ///
  /// Atomic for other processes, which see the old contents or all of the new; if the layer or one above it
  /// is mounted, entries appear one by one. The recorded digests, sizes and tar-split become those of this
  /// stream.
  /// @throws as `Layers::import`; `Errc::changed_meanwhile` or `Errc::layer_used_by_container` if the layer
  ///   was written to or mounted while the stream was read. This call then had no effect and can be repeated
  void apply(Source source, ApplyOptions const& options = {}) requires(T::has_parent);

  // Images --------------------------------------------------------------------------------------------------

  [[nodiscard]] std::optional<Item<LayerTraits>> top_layer() const requires(T::subject == Subject::image);

  /// All digests under which `Images::by_digest` finds it.
  [[nodiscard]] std::vector<std::string> digests() const requires(T::subject == Subject::image);

  // Containers ----------------------------------------------------------------------------------------------

  /// Image that it was created from; none if there was none or it was removed.
  [[nodiscard]] std::optional<Item<typename Core::ImageTraits>> image() const
      requires(T::subject == Subject::container);

  [[nodiscard]] Item<LayerTraits> layer() const requires(T::subject == Subject::container);

  // Files ---------------------------------------------------------------------------------------------------

  /// Mounts the item; the returned guard unmounts when destroyed.
  ///
  /// Mounts are counted across processes. An image is mounted read-only with host ids, if need be through an
  /// id-mapped copy that the first mount creates. A container defaults to its recorded maps; a layer uses
  /// `request` as it is.
  /// @throws `Errc::layer_unknown`, `Errc::store_read_only`, and what the driver throws
  /// @code
  /// auto root = box.mount();
  /// fs::ofstream(root.path() / "etc/hostname") << "box\n";
  /// @endcode
  [[nodiscard]] MountPoint<Core> mount(MountRequest request = {}) const requires
      MountDriver<typename T::Driver>;

  /// Drops one mount, or all of them. @return true if it is still mounted
  /// @throws `Errc::layer_unknown`, and what the driver throws
  bool unmount(UnmountOptions const& options = {}) const requires MountDriver<typename T::Driver>;

  /// Number of mounts across all processes. @throws `Errc::layer_unknown`
  [[nodiscard]] std::int64_t mount_count() const requires MountDriver<typename T::Driver>;

  /// Mount point; none if not mounted.
  [[nodiscard]] std::optional<fs::path> mounted_at() const requires MountDriver<typename T::Driver>;

  /// Owners of the directories above the mount point that are outside the maps its files are stored with.
  /// @throws `Errc::layer_not_mounted`
  [[nodiscard]] ParentOwners parent_owners() const requires MountDriver<typename T::Driver>;

  /// Changes against another layer, in path order; against the parent if `against` is empty or unknown.
  /// Compares trees if the driver has no cheaper way.
  /// @throws `Errc::layer_unknown` if `against` is unknown and the layer has no parent
  [[nodiscard]] std::vector<Change> changes(Ref const& against = "") const requires
      DiffDriver<typename T::Driver>;

  /// Total size in bytes of the files that are new or changed.
  [[nodiscard]] std::int64_t diff_size(Ref const& against = "") const requires DiffDriver<typename T::Driver>;

  /// Writes the changes as a tar. An imported layer comes out byte for byte as it was imported, unless
  /// `options` ask for another base or compression.
  void diff(Sink to, DiffOptions const& options = {}) const;

  /// The same to be pulled, for what takes a `Source`: another layer's import, an upload. It is made on a thread of its own, a
  /// little ahead of its reader, and keeps the store open; `options.progress` is called on that thread.
  ///
  ///     other_store.layers().import(layer.diff_source());
  ///
  /// @throws nothing of `diff` itself: the source's `next()` does
  [[nodiscard]] Source diff_source(DiffOptions const& options = {}) const;

  /// The item's files, merged with those of the layers below, read without a mount where the driver can,
  /// else through one that ends with the tree. @throws `Errc::layer_unknown`, `Errc::unsupported`; what the driver throws
  [[nodiscard]] LayerTree tree() const;

  /// `tree().entries()`: an input range of `LayerEntry`, in tree order.
  ///
  ///     for (auto const& entry : image.entries()) std::cout << entry.path << ' ' << entry.size << '\n';
  [[nodiscard]] LayerEntries entries() const;

  /// `tree().open(path)`: the contents of a regular file. @throws also `Errc::data_unknown`: there is none
  [[nodiscard]] Source open(std::string_view path) const;

  /// Directory for the item's users, made if it is missing (0700): kept, or lost at reboot.
  fs::path directory() const;
  fs::path run_directory() const;

  /// Size in bytes. Layer: its uncompressed diff. Image: those of all layers, and big data. Container:
  /// changes, big data and directories.
  /// @throws `Errc::layer_unknown`
  [[nodiscard]] std::int64_t size() const requires DiffDriver<typename T::Driver>;

  Core& core() const noexcept { return *core_; }
  ReadableStore& place() const noexcept { return *place_; }
  void renew(Row<Record> row) noexcept { row_ = std::move(row); }

 private:
  /// Exact reference: the id may meanwhile be another item's name, or a prefix of its id.
  Ref itself() const { return Ref::exactly(row_->id); }

  /// Applies a change to the current record, which may be newer than this handle's snapshot.
  template <class Change>
  void change(Change&& apply_change);

  /// As `edit`.
  void edit_by(std::function<void(Record&)> const& apply_change);

  template <class Wanted>
  names::List rename(Wanted&& wanted);

  std::optional<Item<LayerTraits>> related_layer(std::string const& id) const;

  LayerId files_layer() const;

  /// Layer that `mount` mounts for this item.
  LayerId mounted_layer() const;

  /// As `mounted_layer`. @throws `Errc::layer_unknown` if it has no record
  LayerId known_layer() const;

  static fs::path user_directory(fs::path const& data);

  std::shared_ptr<Core> core_;
  Row<Record> row_;
  ReadableStore* place_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/item.hpp>
#endif

#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/paths.hpp>
#include <strata/problem.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/image.hpp>
#include <strata/records/names.hpp>
#include <strata/records/record.hpp>

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace strata {

/// Takes the names of a record that is about to be put away from the others.
/// @param table  holds the table's lock exclusively
template <class Writing, class Record>
void take_names(Writing& table, Record const& next) {
  for (auto const& name : next.names)
    if (auto const holder = table.by_name(name); holder && holder->id != next.id) {
      Record poorer = *holder;
      std::erase(poorer.names, name);
      table.put(std::move(poorer));
    }
}

/// A handle on one layer, image or container of an open store.
///
/// It holds an immutable record: what it says was true when it was made, and after each change made through it.
/// Copies are cheap; the store stays open as long as one of its items lives. One handle is for one thread, handles
/// on the same item for as many as you like.
///
/// `T` is one of the store's traits: `LayerTraits`, `ImageTraits`, `ContainerTraits` or one derived from them, with
/// the type of the store's inner parts as `T::Core`. Functions that need files (`mount`, `diff`) work on the layer
/// that holds the item's: itself, an image's top layer, a container's own.
template <class T>
class Item {
 public:
  using Traits = T;
  using Record = typename T::Record;
  using Id = typename T::Id;
  using Core = typename T::Core;

  using ReadableStore = typename Core::template ReadableStoreOf<T>;
  static constexpr std::string_view kind = T::kind;

  /// @param place  where the row was found; null: in the store itself
  Item(std::shared_ptr<Core> core, Row<Record> row, ReadableStore* place = nullptr)
      : core_(std::move(core)), row_(std::move(row)), place_(place) {
    if (place_ == nullptr) place_ = &core_->template own<T>();
  }

  /// @throws `Errc::invalid_id` if what another program recorded cannot be an id
  Id id() const { return Id(row_->id); }
  names::List const& names() const noexcept { return row_->names; }
  std::string const& metadata() const noexcept { return row_->metadata; }
  Timestamp created() const noexcept { return row_->created; }
  Record const& record() const noexcept { return *row_; }

  /// Whether it is in a store that is only read. Its names can be changed if it is an image, which makes a copy of its
  /// record in the store itself; whatever else would change it is `Errc::store_read_only`.
  bool read_only() const noexcept { return place_->read_only; }
  /// Whether it can be removed. So can images that the graph root had before there was a separate image store.
  bool removable() const noexcept { return !place_->read_only || place_->on_own_layers; }

  /// Each name once. A name that another item of the kind has moves to this one. Returns the resulting list.
  names::List set_names(names::List const& wanted) {
    return rename([&](names::List const&) { return names::unique(wanted); });
  }
  names::List add_names(names::List const& added) {
    return rename([&](names::List const& old) { return names::add(old, added); });
  }
  names::List remove_names(names::List const& removed) {
    return rename([&](names::List const& old) { return names::remove(old, removed); });
  }

  void set_metadata(std::string text) {
    change([&](Record& record) { record.metadata = std::move(text); });
  }

  /// Changes the record as it stands now: fields of a record type of your own, `flags`, `extra`, the metadata.
  ///
  ///     item.edit([](auto& record) { record.team = "build"; });
  ///
  /// What ties the record to files and to other items has calls of its own and must stay: id, names, creation time, keys of big
  /// data, and everything that `Traits::refers_to` and `Traits::layer_of` give.
  /// @param apply_change  called once, with the lock of the kind's table held: it must not use the store
  /// @throws `Errc::record_field`: one of those was changed; `Errc::store_read_only`, `Traits::unknown`, what
  ///         `apply_change` throws. The record is then as it was (strong guarantee)
  template <std::invocable<Record&> Change>
  void edit(Change&& apply_change) {
    change([&](Record& record) {
      auto const before = ties(record);
      apply_change(record);
      if (ties(record) != before)
        throw Error(Errc::record_field, std::string(T::kind) + " \"" + row_->id + '"', row_->id);
    });
  }

  BigData<Item> big_data() { return BigData<Item>(*this); }

  /// Reads the record again. @throws `T::unknown` if the item was removed
  void refresh() { row_ = place_->table.read().get(itself()); }

  // Layers -----------------------------------------------------------------------------------------------------

  /// The layer that this one is stored as changes to; none for a base layer.
  auto parent() const requires(T::has_parent) { return related_layer(row_->parent); }

  /// Unpacks an archive over the layer, in one step for everyone who looks: the old contents or all of the new; one entry
  /// after the other if it is mounted, or lies below a mount. The recorded digests, sizes and archive become those of
  /// this stream.
  /// @throws as `Layers::import`; `Errc::changed_meanwhile`, `Errc::layer_used_by_container`: it was not mounted at first, and
  ///         was written to or mounted while the stream was read. It is then what it was, and a new call succeeds
  template <class Options = typename Core::ApplyOptions>
  void apply(Source source, Options const& options = {}) requires(T::has_parent) {
    place_->check_writable("update layer contents");
    row_ = apply_stream(*core_, row_->id, std::move(source), options);
  }

  // Images -----------------------------------------------------------------------------------------------------

  auto top_layer() const requires(T::subject == Subject::image) { return related_layer(row_->top_layer); }

  /// Digests by which it can be found.
  std::vector<std::string> digests() const requires(T::subject == Subject::image) {
    return image_digests(*row_);
  }

  // Containers -------------------------------------------------------------------------------------------------

  /// The image it was made from; none if it was made from none or the image has gone.
  auto image() const requires(T::subject == Subject::container) {
    return core_->images().find(Ref::exactly(row_->image));
  }

  auto layer() const requires(T::subject == Subject::container) {
    return core_->layers().get(Ref::exactly(row_->layer));
  }

  // Files ------------------------------------------------------------------------------------------------------

  /// Mounts it; the guard unmounts when it goes. Mounts are counted, over all processes. An image is mounted read-only and
  /// with the host's ids (where its layers have others, through a copy, which is made at the first mount), the others as
  /// `request` says; a container with its maps.
  /// @throws `Errc::layer_unknown`, `Errc::store_read_only`, what the driver throws
  auto mount(MountRequest request = {}) const requires MountDriver<typename T::Driver> {
    if constexpr (T::mounts_read_only) {
      request.read_only = true;
      files_layer();
      return mount_layer(core_, host_layer_for(*core_, *row_), request);
    }
    if constexpr (T::subject == Subject::container) {
      request.is_volatile = request.is_volatile || is_set(row_->flags, "Volatile");
      if (request.maps.empty()) request.maps = {.uids = row_->uidmap, .gids = row_->gidmap};
    }
    return mount_layer(core_, files_layer(), request);
  }

  /// Gives back one mount, or all. Returns whether it is still mounted. @throws `Errc::layer_unknown`, what the driver
  /// throws
  template <class Options = typename Core::UnmountOptions>
  bool unmount(Options const& options = {}) const requires MountDriver<typename T::Driver> {
    return unmount_layer(*core_, known_layer(), options);
  }

  /// How often it is mounted, over all processes. @throws `Errc::layer_unknown`
  std::int64_t mount_count() const requires MountDriver<typename T::Driver> {
    return layer_mount_count(*core_, known_layer());
  }

  /// Where it is mounted; none if it is not.
  std::optional<std::filesystem::path> mounted_at() const requires MountDriver<typename T::Driver> {
    return layer_mounted_at(*core_, mounted_layer());
  }

  /// Who owns directories above the mount point and is not in the maps that its files are stored with.
  /// @throws `Errc::layer_not_mounted`
  auto parent_owners() const requires MountDriver<typename T::Driver> {
    return layer_parent_owners(*core_, files_layer());
  }

  /// What changed against another layer, in path order; against the parent if `against` is empty or unknown.
  /// @throws `Errc::layer_unknown` if `against` is unknown and there is no parent either
  std::vector<Change> changes(Ref const& against = "") const requires DiffDriver<typename T::Driver> {
    return layer_changes(*core_, files_layer(), against);
  }

  /// Bytes of the files that changed or are new.
  std::int64_t diff_size(Ref const& against = "") const requires DiffDriver<typename T::Driver> {
    return layer_diff_size(*core_, files_layer(), against);
  }

  /// Writes the changes as a tar: the very bytes that were imported, if they were and nothing else is asked for.
  template <class Options = typename Core::DiffOptions>
  void diff(Sink to, Options const& options = {}) const {
    export_layer(*core_, files_layer(), std::move(to), options);
  }

  /// Directory for the item's users, made if it is missing (0700): kept, or lost at reboot.
  std::filesystem::path directory() const {
    return user_directory(core_->template user_directory<T>(row_->id));
  }
  std::filesystem::path run_directory() const {
    return user_directory(core_->template run_directory<T>(row_->id));
  }

  /// Bytes: the plain diffs of a layer, of all layers and big data of an image; the changes, big data and directories
  /// of a container. @throws `Errc::layer_unknown`
  std::int64_t size() const requires DiffDriver<typename T::Driver> { return item_size(*core_, *row_); }

  Core& core() const noexcept { return *core_; }
  ReadableStore& place() const noexcept { return *place_; }
  void renew(Row<Record> row) noexcept { row_ = std::move(row); }

 private:
  /// For looking the record up again: another item may by now have the id as its name or as the beginning of its own.
  Ref itself() const { return Ref::exactly(row_->id); }

  static auto ties(Record const& record) {
    std::vector<std::string> keys;
    T::refers_to(record, [&](std::string const& key) { keys.push_back(key); });
    return std::tuple(record.id, record.names, record.created, record.big_data_names, std::move(keys),
                      std::string(T::layer_of(record)));
  }

  /// Changes the record as it stands now, not as this handle knew it.
  template <class Change>
  void change(Change&& apply_change) {
    place_->check_writable("change " + std::string(T::kind) + " metadata");
    auto table = place_->table.write();
    Record next = *table.get(itself());
    apply_change(next);
    auto row = table.put(std::move(next));
    table.commit(core_->flush());
    row_ = std::move(row);
  }

  template <class Wanted>
  names::List rename(Wanted&& wanted) {
    if (place_->read_only) {
      if constexpr (T::subject == Subject::image) {
        row_ = pull_up_image(*core_, row_, *place_);
        place_ = &core_->template own<T>();
      }
      place_->check_writable("change " + std::string(T::kind) + " name assignments");
    }
    auto table = place_->table.write();
    Record next = *table.get(itself());
    next.names = wanted(next.names);
    take_names(table, next);
    T::named(next);
    auto row = table.put(std::move(next));
    table.commit(core_->flush());
    row_ = std::move(row);
    return row_->names;
  }

  auto related_layer(std::string const& id) const {
    auto layers = core_->layers();
    return id.empty() ? decltype(layers.find(id)){} : std::make_optional(layers.get(Ref::exactly(id)));
  }

  LayerId files_layer() const {
    std::string const& id = T::layer_of(*row_);
    if (id.empty())
      throw Error(Errc::layer_unknown, std::string(T::kind) + " \"" + row_->id + "\" has no layer");
    return LayerId(id);
  }

  /// The layer that a mount of it shows.
  LayerId mounted_layer() const {
    auto layer = files_layer();
    if constexpr (T::mounts_read_only) layer = known_host_layer(*core_, *row_);
    return layer;
  }

  /// The same, if it has a record.
  LayerId known_layer() const {
    auto layer = mounted_layer();
    core_->layers().get(Ref::exactly(layer.str()));
    return layer;
  }

  static std::filesystem::path user_directory(std::filesystem::path const& data) {
    auto path = data / paths::user_data;
    sys::make_directories(path, 0700);
    return path;
  }

  std::shared_ptr<Core> core_;
  Row<Record> row_;
  ReadableStore* place_;
};

}  // namespace strata

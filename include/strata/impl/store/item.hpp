#pragma once

#include <strata/error.hpp>
#include <strata/paths.hpp>
#include <strata/store/apply_in_place.hpp>
#include <strata/store/export.hpp>
#include <strata/store/fixed_fields.hpp>
#include <strata/store/item.hpp>
#include <strata/store/mapped_layer.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/pull_up.hpp>
#include <strata/store/read_layer.hpp>
#include <strata/store/read_only_stores.hpp>
#include <strata/store/size.hpp>
#include <strata/store/take_names.hpp>
#include <strata/stream/pulled_source.hpp>
#include <strata/sys/file.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

template <class T>
Item<T>::Item(std::shared_ptr<Core> core, Row<Record> row, ReadableStore* place)
    : core_(std::move(core)), row_(std::move(row)), place_(place) {
  if (place_ == nullptr) place_ = &core_->template own<T>();
}

template <class T>
auto Item<T>::id() const -> Id {
  return Id(row_->id);
}

template <class T>
bool Item<T>::read_only() const noexcept {
  return place_->read_only;
}

template <class T>
bool Item<T>::removable() const noexcept {
  return !place_->read_only || place_->on_own_layers;
}

template <class T>
names::List Item<T>::set_names(names::List const& wanted) {
  return rename([&](names::List const&) { return names::unique(wanted); });
}

template <class T>
names::List Item<T>::add_names(names::List const& added) {
  return rename([&](names::List const& old) { return names::add(old, added); });
}

template <class T>
names::List Item<T>::remove_names(names::List const& removed) {
  return rename([&](names::List const& old) { return names::remove(old, removed); });
}

template <class T>
void Item<T>::set_metadata(std::string text) {
  change([&](Record& record) { record.metadata = std::move(text); });
}

template <class T>
template <class Change>
void Item<T>::change(Change&& apply_change) {
  place_->check_writable("change " + std::string(T::kind) + " metadata");
  auto table = place_->table.write();
  Record next = *table.get(itself());
  apply_change(next);
  auto row = table.put(std::move(next));
  table.commit(core_->flush());
  row_ = std::move(row);
}

template <class T>
void Item<T>::edit_by(std::function<void(Record&)> const& apply_change) {
  change([&](Record& record) {
    auto const before = record;
    apply_change(record);
    auto tie = detail::changed_tie<T>(before, record);
    if (tie.empty() && record.extra != before.extra)
      tie = detail::changed_tie<T>(before, detail::as_read_again<typename Core::Serializer>(record));
    if (!tie.empty())
      throw Error(Errc::record_field, std::string(T::kind) + " \"" + row_->id + "\", " + tie, row_->id)
          .about(T::subject, row_->id);
  });
}

template <class T>
template <class Wanted>
names::List Item<T>::rename(Wanted&& wanted) {
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

template <class T>
void Item<T>::refresh() {
  row_ = place_->table.read().get(itself());
}

template <class T>
auto Item<T>::parent() const -> std::optional<Item<LayerTraits>>
requires(T::has_parent) { return related_layer(row_->parent); }

template <class T>
void Item<T>::apply(Source source, ApplyOptions const& options) requires(T::has_parent) {
  place_->check_writable("update layer contents");
  row_ = apply_stream(*core_, row_->id, std::move(source), options);
}

template <class T>
auto Item<T>::top_layer() const -> std::optional<Item<LayerTraits>>
requires(T::subject == Subject::image) { return related_layer(row_->top_layer); }

template <class T>
auto Item<T>::digests() const -> std::vector<std::string>
requires(T::subject == Subject::image) { return image_digests(*row_); }

template <class T>
auto Item<T>::image() const -> std::optional<Item<typename Core::ImageTraits>>
requires(T::subject == Subject::container) { return core_->images().find(Ref::exactly(row_->image)); }

template <class T>
auto Item<T>::layer() const -> Item<LayerTraits>
requires(T::subject == Subject::container) { return core_->layers().get(Ref::exactly(row_->layer)); }

template <class T>
auto Item<T>::mount(MountRequest request) const -> MountPoint<Core>
requires MountDriver<typename T::Driver> {
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

template <class T>
bool Item<T>::unmount(UnmountOptions const& options) const requires MountDriver<typename T::Driver> {
  return unmount_layer(*core_, known_layer(), options);
}

template <class T>
std::int64_t Item<T>::mount_count() const requires MountDriver<typename T::Driver> {
  return layer_mount_count(*core_, known_layer());
}

template <class T>
auto Item<T>::mounted_at() const -> std::optional<fs::path>
requires MountDriver<typename T::Driver> { return layer_mounted_at(*core_, mounted_layer()); }

template <class T>
auto Item<T>::parent_owners() const -> ParentOwners requires MountDriver<typename T::Driver> {
  return layer_parent_owners(*core_, files_layer());
}

template <class T>
auto Item<T>::changes(Ref const& against) const -> std::vector<Change>
requires DiffDriver<typename T::Driver> {
  return layer_changes(*core_, files_layer(), against, writer_maps(*row_));
}

template <class T>
std::int64_t Item<T>::diff_size(Ref const& against) const requires DiffDriver<typename T::Driver> {
  return layer_diff_size(*core_, files_layer(), against, writer_maps(*row_));
}

template <class T>
void Item<T>::diff(Sink to, DiffOptions const& options) const {
  export_layer(*core_, files_layer(), std::move(to), options, writer_maps(*row_));
}

template <class T>
auto Item<T>::diff_source(DiffOptions const& options) const -> Source {
  return archive::PulledSource([item = *this, options](Sink to) { item.diff(std::move(to), options); });
}

template <class T>
auto Item<T>::tree() const -> LayerTree {
  return read_layer(core_, files_layer(), writer_maps(*row_));
}

template <class T>
auto Item<T>::entries() const -> LayerEntries {
  return tree().entries();
}

template <class T>
auto Item<T>::open(std::string_view path) const -> Source {
  return tree().open(path);
}

template <class T>
fs::path Item<T>::directory() const {
  return user_directory(core_->template user_directory<T>(row_->id));
}

template <class T>
fs::path Item<T>::run_directory() const {
  return user_directory(core_->template run_directory<T>(row_->id));
}

template <class T>
std::int64_t Item<T>::size() const requires DiffDriver<typename T::Driver> {
  return item_size(*core_, *row_);
}

template <class T>
auto Item<T>::related_layer(std::string const& id) const -> std::optional<Item<LayerTraits>> {
  if (id.empty()) return std::nullopt;
  return core_->layers().get(Ref::exactly(id));
}

template <class T>
LayerId Item<T>::files_layer() const {
  std::string const& id = T::layer_of(*row_);
  if (id.empty())
    throw Error(Errc::layer_unknown, std::string(T::kind) + " \"" + row_->id + "\" has no layer");
  return LayerId(id);
}

template <class T>
LayerId Item<T>::mounted_layer() const {
  auto layer = files_layer();
  if constexpr (T::mounts_read_only) layer = known_host_layer(*core_, *row_);
  return layer;
}

template <class T>
LayerId Item<T>::known_layer() const {
  auto layer = mounted_layer();
  core_->layers().get(Ref::exactly(layer.str()));
  return layer;
}

template <class T>
fs::path Item<T>::user_directory(fs::path const& data) {
  auto path = data / paths::user_data;
  sys::make_directories(path, 0700);
  return path;
}

}  // namespace strata

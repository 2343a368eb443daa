#pragma once

#include <strata/concepts/own_tree_driver.hpp>
#include <strata/durability.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/image.hpp>
#include <strata/records/table.hpp>
#include <strata/store/images.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/older_images.hpp>
#include <strata/store/pull_up.hpp>
#include <strata/store/records_of.hpp>
#include <strata/store/take_names.hpp>
#include <strata/store/unreadable_records.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/trash.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace strata {
namespace detail {

template <class Core>
using ImageWriting = typename Table<typename Core::ImageTraits, typename Core::Lock>::Writing;

/// Flushes the layer of a volatile container: from now on an image refers to its files, which must survive
/// a crash.
template <class Core>
void flush_volatile(Core& core, Ref const& top_layer) {
  if (has_own_trees(core.driver())) {
    if (top_layer.empty() || core.flush() == Flush::none) return;
    auto const layer = core.template read_view<typename Core::LayerTraits>().find(top_layer);
    bool const is_volatile =
        layer && core.template table<typename Core::ContainerTraits>().read().any_of([&](auto const& record) {
          return record.layer == layer->id && is_set(record.flags, "Volatile");
        });
    auto const tree = is_volatile ? own_tree_of(core.driver(), LayerId(layer->id)) : std::nullopt;
    if (tree) sys::flush_file_system(tree->path);
  }
}

/// Adds a named blob to an image that is not written yet, or replaces the one of that name.
template <class Core>
void add_data(Core const&, PulledImage<ImageRecordOf<Core>>& image, std::string const& key,
              std::string const& bytes) {
  check_key<typename Core::Serializer>(key, "image \"" + image.record.id + "\", big data \"" + key + '"');
  std::erase_if(image.data, [&](auto const& old) { return old.first == key; });
  image.data.emplace_back(key, bytes);
  record_big_data<typename Core::ImageTraits>(image.record, key, bytes);
}

template <class Core>
void erase_image(Core& core, ImageWriting<Core>& images, std::string const& id) {
  images.erase(id);
  images.commit(core.flush());
}

/// Records of an image in the store and in the graph root behind a separate image store; either may be
/// null.
/// @throws `Errc::store_read_only`, `Errc::image_unknown` if there is neither
template <class Core>
auto find_all(Core& core, ImageWriting<Core> const& images, std::optional<ImageWriting<Core>> const& older,
              Ref const& ref) -> std::pair<Row<ImageRecordOf<Core>>, Row<ImageRecordOf<Core>>> {
  auto own = images.find(ref);
  Row<ImageRecordOf<Core>> before;
  if (older) before = own ? older->by_id(own->id) : older->find(ref);
  if (!own && before && images.by_id(before->id)) before.reset();  // its name now belongs to the own image
  if (!own && !before) own = core.template own_row<typename Core::ImageTraits>(images, ref, "delete images");
  return {std::move(own), std::move(before)};
}

/// Adds the layers that only this image needs: its id-mapped copies, then those from its top layer down to
/// the first that is otherwise needed.
/// @param out  layers already chosen for removal; extended
template <class Core, class LayerView, class ImageView, class ContainerView>
void add_only_used_by(Core& core, ImageRecord const& image, LayerView const& layers, ImageView const& images,
                      ContainerView const& containers, std::vector<LayerId>& out) {
  auto const others = core.template read_only_view<typename Core::ImageTraits>();
  auto const needed_elsewhere = [&](std::string const& id) {
    bool needed = false;
    others.each_referring_to(id, [&](auto const& other, auto const& place) {
      needed = needed || (place.on_own_layers && other->id != image.id);
    });
    return needed;
  };
  auto const going = [&](std::string const& id) {
    return std::ranges::any_of(out, [&](LayerId const& other) { return other.str() == id; });
  };
  auto const needed = [&](std::string const& id) {
    return std::ranges::any_of(layers.referring_to(id),
                               [&](auto const& child) { return !going(child->id); }) ||
           std::ranges::any_of(images.referring_to(id),
                               [&](auto const& other) { return other->id != image.id; }) ||
           !containers.referring_to(id).empty() || needed_elsewhere(id);
  };
  auto const take_down_from = [&](std::string id) {
    for (auto layer = layers.by_id(id); layer && !going(id) && !needed(id); layer = layers.by_id(id)) {
      out.emplace_back(id);
      id = layer->parent;
    }
  };
  for (auto const& copy : image.mapped_top_layers) take_down_from(copy);
  // On overlay an id-mapped copy shares files with the layer it was made from.
  bool const copy_stays = std::ranges::any_of(
      image.mapped_top_layers, [&](auto const& copy) { return layers.by_id(copy) && !going(copy); });
  if (!copy_stays) take_down_from(image.top_layer);
}

}  // namespace detail

template <class Core>
auto Images<Core>::create(ImageOptions const& options) -> Item {
  auto& core = *core_;
  auto const id = Core::template new_id<Traits>(options.id);
  core.collect_left();  // pending removal of an image with this id would delete what is written below
  check_data_free<Traits>(core, id.str());
  detail::flush_volatile(core, options.top_layer);
  PulledImage<ImageRecordOf<Core>> image;
  if (auto const foreign = options.id.empty() ? typename Core::template FoundRow<Traits>{}
                                              : core.template read_only_view<Traits>().by_id(id.str()))
    image = read_image(core, *foreign, *foreign.place);
  bool const is_copy = !image.record.id.empty();
  image.record.id = id.str();
  for (auto const& [key, bytes] : options.big_data) detail::add_data(core, image, key, bytes);
  auto const check_free = [&](auto const& images) {
    images.check_free(id.str(), options.take_names ? names::List() : names::unique(options.names));
  };
  std::optional<sys::StagingDirectory> staging;
  if (!image.data.empty()) check_free(core.template table<Traits>().read());  // before anything is written
  if (!image.data.empty()) staging = log_intents(core, {{IntentKind::image_files, id.str()}});
  auto data = write_image_data(core, image);
  // The layers stay locked until the record is stored, so that the top layer cannot be removed in between.
  auto const layers = core.template read_view<typename Core::LayerTraits>();
  auto& record = image.record;
  auto const taken_over = std::exchange(record.names, names::unique(options.names));
  record.top_layer = options.top_layer.empty() ? std::string() : layers.get(options.top_layer)->id;
  if (!options.digest.empty()) record.digest = options.digest;
  if (!options.metadata.empty()) record.metadata = options.metadata;
  if (options.created || !is_copy) record.created = options.created.value_or(Timestamp::now());
  Traits::data_changed(record);
  auto images = core.template table<Traits>().write();
  check_free(images);
  if (!options.digest.empty()) Digest::parse(options.digest);
  bool const names_taken_over = is_copy && !taken_over.empty();
  if (names_taken_over) record.names = names::add(record.names, taken_over);
  if (names_taken_over || (options.take_names && !record.names.empty())) {
    take_names(images, record);
    Traits::named(record);
  }
  return Item(core_, publish_image(core, images, std::move(record), data, staging));
}

template <class Core>
auto Images<Core>::by_digest(Digest const& digest) const -> std::vector<Item> {
  std::vector<Item> out;
  core_->template read_view<Traits>().each_referring_to(digest.str(), [&](auto const& row, auto& place) {
    if (names::contains(image_digests(*row), digest.str())) out.emplace_back(core_, row, &place);
  });
  return out;
}

template <class Core>
auto Images<Core>::remove(Ref const& ref, RemoveImageOptions const& options) -> std::vector<LayerId> {
  auto& core = *core_;
  std::vector<LayerId> gone;
  Trash trash;
  {
    auto layers = core.template table<typename Core::LayerTraits>().write();
    auto images = core.template table<Traits>().write();
    bool const everywhere = !options.expected_created && !options.force;
    auto const older_table = everywhere ? older_images(core) : nullptr;
    std::optional<detail::ImageWriting<Core>> older;
    if (older_table) older.emplace(*older_table);
    auto const containers = core.template table<typename Core::ContainerTraits>().read();
    auto const [own, before] = detail::find_all(core, images, older, ref);
    auto const& image = own ? own : before;
    check_created<Traits>(*image, options.expected_created);
    if (auto const users = containers.referring_to(image->id); !users.empty() && !options.force)
      throw Error(Errc::image_used_by_container, "image \"" + image->id + '"', users.back()->id)
          .about(Subject::image, image->id);
    bool const all_known = all_readable(layers, images, containers) && (!older || older->all_readable());
    if (!options.keep_layers && all_known)
      for (auto const& row : {own, before})
        if (row) detail::add_only_used_by(core, *row, layers, images, containers, gone);
    if (options.dry_run) return gone;
    Core::template component<Traits>(image->id);
    std::vector<IntentRecord> notes{{IntentKind::image_files, image->id}};
    for (auto const& id : gone) notes.push_back(spare_intent(*layers.by_id(id.str())));
    auto const mounts = unmount_layers(core, gone);
    auto staging = log_intents(core, notes);
    with_intents(core, staging, [&] {
      // The own record last: a crash in between leaves a complete image.
      if (before) detail::erase_image(core, *older, before->id);
      if (own) detail::erase_image(core, images, own->id);
      trash = discard_layers(core, layers, mounts, gone, staging);
      discard_item_files<Traits>(core, image->id, staging);
    });
    trash.add(std::move(staging));
  }
  trash.empty();
  return gone;
}

}  // namespace strata

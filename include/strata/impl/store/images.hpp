#pragma once

#include <strata/store/images.hpp>

namespace strata {

template <class Core>
auto Images<Core>::create(ImageOptions const& options) -> Item {
  auto& core = *core_;
  auto const id = Core::template new_id<Traits>(options.id);
  core.collect_left();  // pending removal of an image with this id would delete what is written below
  check_data_free<Traits>(core, id.str());
  flush_volatile(core, options.top_layer);
  PulledImage<ImageRecordOf<Core>> image;
  if (auto const foreign =
          options.id.empty() ? FoundImage{} : core.template read_only_view<Traits>().by_id(id.str()))
    image = read_image(core, *foreign, *foreign.place);
  std::optional<sys::StagingDirectory> staging;
  if (!image.data.empty())  // fail before anything is written
    core.template table<Traits>().read().check_free(id.str(), names::unique(options.names));
  if (!image.data.empty()) staging = log_intents(core, {{IntentKind::image_files, id.str()}});
  auto data = write_image_data(core, image);
  // The layers stay locked until the record is stored, so that the top layer cannot be removed in between.
  auto const layers = core.template read_view<typename Core::LayerTraits>();
  auto& record = image.record;
  auto const taken_over = std::exchange(record.names, names::unique(options.names));
  bool const is_copy = !record.id.empty();
  record.top_layer = options.top_layer.empty() ? std::string() : layers.get(options.top_layer)->id;
  record.id = id.str();
  if (!options.digest.empty()) record.digest = options.digest;
  if (!options.metadata.empty()) record.metadata = options.metadata;
  if (options.created || !is_copy) record.created = options.created.value_or(Timestamp::now());
  auto images = core.template table<Traits>().write();
  images.check_free(record.id, record.names);
  if (!options.digest.empty()) Digest::parse(options.digest);
  if (is_copy && !taken_over.empty()) {
    record.names = names::add(record.names, taken_over);
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
    std::optional<Writing> older;
    if (older_table) older.emplace(*older_table);
    auto const containers = core.template table<typename Core::ContainerTraits>().read();
    auto const [own, before] = find_all(core, images, older, ref);
    auto const& image = own ? own : before;
    check_created<Traits>(*image, options.expected_created);
    if (auto const users = containers.referring_to(image->id); !users.empty() && !options.force)
      throw Error(Errc::image_used_by_container, "image \"" + image->id + '"', users.back()->id)
          .about(Subject::image, image->id);
    bool const all_known = all_readable(layers, images, containers) && (!older || older->all_readable());
    if (!options.keep_layers && all_known)
      for (auto const& row : {own, before})
        if (row) add_only_used_by(core, *row, layers, images, containers, gone);
    if (options.dry_run) return gone;
    Core::template component<Traits>(image->id);
    std::vector<IntentRecord> notes{{IntentKind::image_files, image->id}};
    for (auto const& id : gone) notes.push_back(spare_intent(*layers.by_id(id.str())));
    auto const mounts = unmount_layers(core, gone);
    auto staging = log_intents(core, notes);
    with_intents(core, staging, [&] {
      // The own record last: a crash in between leaves a complete image.
      if (before) erase(core, *older, before->id);
      if (own) erase(core, images, own->id);
      trash = discard_layers(core, layers, mounts, gone, staging);
      discard_item_files<Traits>(core, image->id, staging);
    });
    trash.add(std::move(staging));
  }
  trash.empty();
  return gone;
}

template <class Core>
void Images<Core>::flush_volatile(Core& core, Ref const& top_layer) {
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

template <class Core>
void Images<Core>::erase(Core& core, Writing& images, std::string const& id) {
  images.erase(id);
  images.commit(core.flush());
}

template <class Core>
auto Images<Core>::find_all(Core& core, Writing const& images, std::optional<Writing> const& older,
                            Ref const& ref) -> std::pair<Row<ImageRecordOf<Core>>, Row<ImageRecordOf<Core>>> {
  auto own = images.find(ref);
  Row<ImageRecordOf<Core>> before;
  if (older) before = own ? older->by_id(own->id) : older->find(ref);
  if (!own && before && images.by_id(before->id)) before.reset();  // its name now belongs to the own image
  if (!own && !before) own = core.template own_row<Traits>(images, ref, "delete images");
  return {std::move(own), std::move(before)};
}

}  // namespace strata

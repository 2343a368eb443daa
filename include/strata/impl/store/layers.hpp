#pragma once

#include <strata/digest.hpp>
#include <strata/store/import.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/layers.hpp>
#include <strata/store/mapped_layer.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/trash.hpp>

#include <string>
#include <utility>

namespace strata {
namespace detail {

template <class Core, class View, class ImageView>
void check_unused(Core& core, View const& layers, ImageView const& own_images, std::string const& id) {
  check_no_children(layers, id);
  for (auto const& image : own_images.referring_to(id)) check_not_top_layer(*image, id);
  check_no_image(core.template read_only_view<typename Core::ImageTraits>(), id);
  auto const containers = core.template table<typename Core::ContainerTraits>().read();
  for (auto const& container : containers.referring_to(id))
    if (container->layer == id)
      throw Error(Errc::layer_used_by_container, "layer \"" + id + '"', container->id)
          .about(Subject::layer, id);
}

}  // namespace detail

template <class Core>
auto Layers<Core>::create(LayerOptions const& options) -> Item {
  auto& core = *core_;
  auto const plan = plan_layer(core, options.id, options.names, options.parent, options.maps);
  LayerTransaction<Core> change(
      core, plan,
      plan.request(options.writable, core.flush(), {.progress = options.progress, .stop = options.stop}));
  change.record().metadata = options.metadata;
  change.record().mount_label = options.mount_label;
  change.record().place = core.place_of_layer(options.writable);
  change.finish();
  auto layers = core.template table<Traits>().write();
  return Item(core_, change.publish(layers));
}

template <class Core>
auto Layers<Core>::import(Source source, ImportOptions const& options) -> Item {
  return Item(core_, import_layer(*core_, std::move(source), options));
}

template <class Core>
auto Layers<Core>::import(fs::path const& file, ImportOptions const& options) -> Item {
  return import(file_source(file), options);
}

template <class Core>
auto Layers<Core>::find_additional(std::string_view digest, std::string_view reference) const
    -> std::optional<AdditionalLayer<Core>>
requires LayerStoreDriver<typename Core::Driver> {
  auto tree = core_->driver().find_additional(Digest::parse(digest).str(), reference);
  if (!tree) return std::nullopt;
  return AdditionalLayer<Core>(core_, *std::move(tree));
}

template <class Core>
void Layers<Core>::remove(Ref const& ref, RemoveLayerOptions const& options) {
  auto& core = *core_;
  Trash trash;
  {
    auto layers = core.template table<Traits>().write();
    auto const row = core.template own_row<Traits>(layers, ref, "delete layers");
    check_created<Traits>(*row, options.expected_created);
    auto const& id = row->id;
    auto images = core.template table<typename Core::ImageTraits>().write();
    if (!options.force) detail::check_unused(core, layers, images, id);
    auto const mounts = unmount_layers(core, {LayerId(id)});
    if (!has_files(core, id)) {
      forget_mapped_layer(core, images, id);
      layers.erase(id);
      layers.commit(core.flush());
      trash = core.driver().remove(LayerId(id));
    } else {
      auto staging = log_intents(core, {{IntentKind::layer_files, id}});
      with_intents(core, staging, [&] {
        forget_mapped_layer(core, images, id);
        trash = discard_layers(core, layers, mounts, {LayerId(id)}, staging);
      });
      trash.add(std::move(staging));
    }
  }
  trash.empty();
}

}  // namespace strata

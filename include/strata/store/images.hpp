#pragma once

#include <strata/concepts/own_tree_driver.hpp>
#include <strata/digest.hpp>
#include <strata/durability.hpp>
#include <strata/id.hpp>
#include <strata/records/image.hpp>
#include <strata/store/collection.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/older_images.hpp>
#include <strata/store/options.hpp>
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
#include <vector>

namespace strata {

/// The images of a store. Thread-safe.
template <class Core>
class Images : public Collection<Core, typename Core::ImageTraits> {
  using Traits = typename Core::ImageTraits;
  using Base = Collection<Core, Traits>;
  using Base::core_;

 public:
  using Base::Base;
  using typename Base::Item;

  /// Creates an image. Given the id of an image in a read-only store, fields that are not set are copied from
  /// it, and its names and big data are added.
  /// @throws `Errc::layer_unknown` (top layer), `Errc::duplicate_id`, `Errc::duplicate_name` with the
  ///   holder's id, `Errc::corrupt_record` as `check_data_free`, and the codes of `Digest::parse`
  Item create(ImageOptions const& options = {});

  /// Images with this digest, or with a manifest that has it.
  std::vector<Item> by_digest(Digest const& digest) const;

  /// Removes an image and the layers that only it needs, walking up its chain of parents. With a separate
  /// image store, also removes an image of that id in the graph root, unless `expected_created` or `force` is
  /// set.
  /// @return  the removed layers, from the top layer down
  /// @throws  `Errc::image_used_by_container` with the container's id; `Errc::image_unknown`,
  ///   `Errc::store_read_only`
  std::vector<LayerId> remove(Ref const& ref, RemoveImageOptions const& options = {});

 private:
  using FoundImage = typename Core::template FoundRow<Traits>;

  using Writing = typename Table<Traits, typename Core::Lock>::Writing;

  /// Flushes the layer of a volatile container: from now on an image refers to its files, which must survive
  /// a crash.
  static void flush_volatile(Core& core, Ref const& top_layer);

  static void erase(Core& core, Writing& images, std::string const& id);

  /// Records of an image in the store and in the graph root behind a separate image store; either may be
  /// null.
  /// @throws `Errc::store_read_only`, `Errc::image_unknown` if there is neither
  static std::pair<Row<ImageRecordOf<Core>>, Row<ImageRecordOf<Core>>> find_all(
      Core& core, Writing const& images, std::optional<Writing> const& older, Ref const& ref);

  /// Adds the layers that only this image needs: its id-mapped copies, then those from its top layer down to
  /// the first that is otherwise needed.
  /// @param out  layers already chosen for removal; extended
  template <class LayerView, class ImageView, class ContainerView>
  static void add_only_used_by(Core& core, ImageRecord const& image, LayerView const& layers,
                               ImageView const& images, ContainerView const& containers,
                               std::vector<LayerId>& out) {
    auto const others = core.template read_only_view<Traits>();
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
};

}  // namespace strata

#include <strata/impl/store/images.hpp>

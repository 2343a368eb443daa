#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/names.hpp>
#include <strata/separate.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/older_images.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>

#include <optional>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

/// Publishes and removes a layer's files together with its record. Files are written first, then renamed, the
/// record last; removal runs in reverse. A crash in between leaves files without a record, never a record
/// without files.
namespace strata {

/// A layer about to be created. Its conditions are checked at the beginning of the work and again at the end.
template <class Core>
struct LayerPlan {
  LayerId id;
  std::vector<std::string> names;
  std::optional<LayerId> parent;
  ReadOnlyLayers<Core> below = {};         ///< layers of the parent's chain in read-only stores
  IdMaps maps = {};                        ///< maps that it is stored with
  std::optional<IdMaps> parent_maps = {};  ///< maps that the parent must still have at the end

  StageRequest request(bool writable, Flush flush, Control const& control) const {
    return {.parent = parent,
            .copy_of = {},
            .writable = writable,
            .flush = flush,
            .control = control,
            .maps = maps,
            .parent_maps = parent_maps.value_or(IdMaps())};
  }
};

/// Checks id, names and parent before a long operation. An id that a read-only store has is a duplicate, too:
/// the new layer would hide one that others depend on.
/// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, `Errc::layer_unknown`, `Errc::parent_is_container`,
///   `Errc::invalid_mappings`
template <class Core>
LayerPlan<Core> plan_layer(Core& core, std::string const& id, std::vector<std::string> const& wanted,
                           Ref const& parent, WantedMaps const& maps) {
  using Traits = typename Core::LayerTraits;
  LayerPlan<Core> plan{.id = Core::template new_id<Traits>(id), .names = names::unique(wanted), .parent = {}};
  auto const layers = core.template read_view<Traits>();
  if (!parent.empty()) {
    auto const found = layers.get(parent);
    plan.parent = LayerId(found->id);
    plan.below = ReadOnlyLayers<Core>(layers, found);
    plan.parent_maps = maps_of(*found);
    auto const containers = core.template table<typename Core::ContainerTraits>().read();
    for (auto const& row : containers.referring_to(plan.parent->str()))
      if (row->layer == plan.parent->str())
        throw Error(Errc::parent_is_container, "layer \"" + plan.parent->str() + "\"", row->id)
            .about(Subject::layer, plan.parent->str());
  }
  layers.own().check_free(id, plan.names);
  if (auto const foreign = id.empty() ? typename Core::template FoundRow<Traits>{} : layers.by_id(id))
    throw Error(Errc::duplicate_id, "layer \"" + id + "\" in " + foreign.place->directory.native(), id)
        .about(Subject::layer, id)
        .at(foreign.place->directory.native());
  plan.maps = stored_maps(core, maps, plan.parent_maps);
  return plan;
}

/// @throws `Traits::unknown` if the item was created at another time
template <class Traits>
void check_created(typename Traits::Record const& record, ExpectedCreated const& expected_created) {
  if (expected_created && record.created != *expected_created)
    throw Error(Traits::unknown, std::string(Traits::kind) + " \"" + record.id + "\", made anew meanwhile")
        .about(Traits::subject, record.id);
}

/// @throws `Errc::layer_has_children` with the id of one
template <class LayerView>
void check_no_children(LayerView const& layers, std::string const& id) {
  if (auto const children = layers.referring_to(id); !children.empty())
    throw Error(Errc::layer_has_children, "layer \"" + id + '"', children.front()->id)
        .about(Subject::layer, id);
}

/// @throws `Errc::layer_used_by_image` with the image's id
void check_not_top_layer(ImageRecord const& image, std::string const& id);

/// @param images  read view
/// @throws as `check_not_top_layer`
template <class ImageLook>
void check_no_image(ImageLook const& images, std::string const& id) {
  images.each_referring_to(id, [&](auto const& image, auto const& place) {
    if (place.on_own_layers) check_not_top_layer(*image, id);
  });
}

/// Moves the driver's files of a layer into the trash, and the others into `staging`. For a layer without a
/// record.
template <class Core>
Trash discard_layer_files(Core& core, LayerId const& id, sys::StagingDirectory& staging) {
  Trash trash = core.driver().remove(id);
  staging.take(core.tar_split(id.str()), core.flush());
  staging.take(core.template data_directory<typename Core::LayerTraits>(id.str()), core.flush());
  return trash;
}

/// True if there may be files of a layer on disk: those of the driver, a tar-split, big data. What the record
/// says is not enough: big data that was erased leaves its directory, a process that died its temporary file.
template <class Core>
bool has_files(Core const& core, std::string const& id) {
  if constexpr (InMemoryDriver<typename Core::Driver>)
    return sys::is_present(core.tar_split(id)) ||
           sys::is_present(core.template data_directory<typename Core::LayerTraits>(id));
  else
    return true;
}

/// What `unmount_layers` returns if the driver does not mount.
struct NoMounts {};

/// Unmounts layers before their removal, while that can still be refused. They cannot be mounted again while
/// the returned guard lives.
template <class Core>
auto unmount_layers(Core& core, std::vector<LayerId> const& ids) {
  for (auto const& id : ids) Core::template component<typename Core::LayerTraits>(id.str());
  if constexpr (MountDriver<typename Core::Driver>) {
    auto mounts = core.mounts().write();
    for (auto const& id : ids)
      if (mounts.find(id.str())) unmount_layer(core, mounts, id, {.force = true});
    return mounts;
  } else {
    return NoMounts();
  }
}

/// Unmounts and discards a layer without a record.
/// @param staging  as in `discard_layer_files`
template <class Core>
Trash discard_unrecorded_layer(Core& core, LayerId const& id, sys::StagingDirectory& staging) {
  [[maybe_unused]] auto const mounts = unmount_layers(core, {id});
  return discard_layer_files(core, id, staging);
}

/// Discards leftovers of a crash where a new layer goes.
/// @param layers  guard of the table
/// @throws `Errc::corrupt_record` if an unreadable record may refer to them
template <class Core, class View>
Trash discard_left_files(Core& core, View const& layers, LayerId const& id, sys::StagingDirectory& staging) {
  if (!layers.all_readable() && core.driver().exists(id))
    throw Error(Errc::corrupt_record,
                "layer \"" + id.str() + "\" has files, and there are records that cannot be read")
        .about(Subject::layer, id.str());
  return discard_unrecorded_layer(core, id, staging);
}

/// Removes layers whose records go now: unrecorded, then out of sight. What `unmount_layers` gave is held until then.
/// @param layers   holds the table's lock; committed on return
/// @param staging  has a note of each
template <class Core, class Writing, class Mounts>
Trash discard_layers(Core& core, Writing& layers, Mounts const& /*mounts*/, std::vector<LayerId> const& ids,
                     sys::StagingDirectory& staging) {
  Trash trash;
  if (ids.empty()) return trash;
  for (auto const& id : ids) layers.erase(id.str());
  layers.commit(core.flush());
  for (auto const& id : ids) trash.merge(discard_layer_files(core, id, staging));
  return trash;
}

/// Moves an item's big data and directories into `staging`. For an item without a record.
template <class Traits, class Core>
void discard_item_files(Core& core, std::string const& id, sys::StagingDirectory& staging) {
  staging.take(core.template data_directory<Traits>(id), core.flush());
  // Data in the image store may belong to an image that the graph root still has.
  if constexpr (Traits::data_in_image_store)
    if (has_older_image(core, id)) return;
  staging.take(core.template user_directory<Traits>(id), core.flush());
  // The run root is another file system, so nothing can be renamed out of it; its files are small.
  sys::remove_tree(core.template run_directory<Traits>(id));
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/layer_files.ipp>
#endif

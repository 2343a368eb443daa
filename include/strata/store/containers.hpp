#pragma once

#include <strata/records/container.hpp>
#include <strata/store/auto_userns.hpp>
#include <strata/store/collection.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/mapped_layer.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/store/records_of.hpp>
#include <strata/store/unreadable_records.hpp>
#include <strata/sys/trash.hpp>

#include <optional>
#include <string>
#include <utility>

namespace strata {

/// The containers of a store. Thread-safe.
template <class Core>
class Containers : public Collection<Core, typename Core::ContainerTraits> {
  using Traits = typename Core::ContainerTraits;
  using LayerTraits = typename Core::LayerTraits;
  using ImageTraits = typename Core::ImageTraits;
  using Base = Collection<Core, Traits>;
  using Base::core_;

 public:
  using Base::Base;
  using typename Base::Item;

  /// Creates a container with a writable layer over the image's top layer, or without a parent if `image` is
  /// empty. With id maps, its files are stored or shown with them; where the driver cannot map mounts, the
  /// image's top layer is copied first.
  /// @throws `Errc::invalid_mappings`, `Errc::no_available_ids`, `Errc::stopped`, `Errc::image_unknown`,
  ///   `Errc::layer_unknown`, `Errc::duplicate_id`, `Errc::duplicate_name` with the holder's id,
  ///   `Errc::corrupt_record` as `check_data_free`
  Item create(Ref const& image, ContainerOptions const& options = {});

  /// Removes a container with its layer (mounted or not), its big data and its directories.
  /// @throws `Errc::container_unknown`; `Errc::layer_used_by_image`, `Errc::layer_has_children` if its layer
  ///   was given an image or a child
  void remove(Ref const& ref, RemoveContainerOptions const& options = {});

 private:
  /// All of the record but its maps, and when it was created.
  ContainerRecordOf<Core> new_record(Ref const& image, ContainerOptions const& options) const;

  /// The container's own layer: over the image's top layer, in the container's maps where mounts cannot shift ids.
  LayerPlan<Core> plan_own_layer(ContainerRecord const& record, ContainerOptions const& options,
                                 Control const& control) const;
};

}  // namespace strata

#include <strata/impl/store/containers.hpp>

#pragma once

#include <strata/id.hpp>
#include <strata/store/collection.hpp>
#include <strata/store/options.hpp>

namespace strata {

/// The containers of a store. Thread-safe.
template <class Core>
class Containers : public Collection<Core, typename Core::ContainerTraits> {
  using Traits = typename Core::ContainerTraits;
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
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/containers.hpp>
#endif

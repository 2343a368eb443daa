#pragma once

#include <strata/digest.hpp>
#include <strata/id.hpp>
#include <strata/store/collection.hpp>
#include <strata/store/options.hpp>

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
  /// @throws `Errc::layer_unknown` (top layer), `Errc::duplicate_id`, `Errc::invalid_name` (of big data), `Errc::duplicate_name` with the
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
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/images.hpp>
#endif

#pragma once

#include <strata/codec/all.hpp>
#include <strata/item/container.hpp>
#include <strata/item/image.hpp>
#include <strata/item/layer.hpp>
#include <strata/lock/file_lock.hpp>

namespace strata {

/// What a store is composed of besides its driver, its serializer and its durability. Derive and shadow one member to
/// change one thing: other traits for a kind, fewer codecs (then their libraries are not needed), another lock.
template <LayerDriver D, class S>
struct StoreTraits {
  using Driver = D;
  using Serializer = S;
  using Layer = LayerTraits<D, S>;
  using Image = ImageTraits<D, S>;
  using Container = ContainerTraits<D, S>;
  using Lock = FileLock;
  using Codecs = codec::All;
};

}  // namespace strata

#pragma once

#include <strata/codec/all.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>

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

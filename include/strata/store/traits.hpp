#pragma once

#include <strata/codec/all.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>

namespace strata {

/// Composition of a store besides driver, serializer and durability. Derive and shadow a member to change it:
/// other traits for a kind, fewer codecs (whose libraries are then not needed), another lock.
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

#pragma once

#include <strata/fwd.hpp>
#include <strata/lock/file_lock.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>

namespace strata {

/// Composition of a store besides driver, serializer and durability. Derive and shadow a member to change it:
/// other traits for a kind, fewer codecs, another lock.
///
/// Importing and exporting need the codecs as complete types: include codec/all.hpp, or the headers of those that
/// a `Codecs` of your own lists. Headers and libraries of the others are not needed then.
template <class D, class S>
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

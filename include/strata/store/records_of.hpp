#pragma once

namespace strata {

/// Record types of a store. They derive from `LayerRecord`, `ImageRecord` and `ContainerRecord`, and may have fields of the
/// user's: what copies a record names these, so that nothing is sliced off.
template <class Core>
using LayerRecordOf = typename Core::LayerTraits::Record;
template <class Core>
using ImageRecordOf = typename Core::ImageTraits::Record;
template <class Core>
using ContainerRecordOf = typename Core::ContainerTraits::Record;

}  // namespace strata

#pragma once

namespace strata {

/// Record types of a store. They derive from `LayerRecord`, `ImageRecord` and `ContainerRecord`, and may have
/// fields of the user's: code that copies records uses these types, to avoid slicing.
template <class Core>
using LayerRecordOf = typename Core::LayerTraits::Record;
template <class Core>
using ImageRecordOf = typename Core::ImageTraits::Record;
template <class Core>
using ContainerRecordOf = typename Core::ContainerTraits::Record;

}  // namespace strata

#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>

/// Names of what programs mention before they use it, and the defaults of their template arguments.
namespace strata {

template <class Traits>
class Item;

template <LayerDriver D, class S>
struct StoreTraits;

template <LayerDriver Driver, class Serializer, DurabilityPolicy Durability = durability::Full,
          class Traits = StoreTraits<Driver, Serializer>>
class Store;

namespace drivers {
class Memory;
class Vfs;
class Overlay;
}  // namespace drivers

namespace serializers {
struct Json;
struct Journal;
}  // namespace serializers

}  // namespace strata

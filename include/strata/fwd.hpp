#pragma once

/// Forward declarations of the main types, with the defaults of their template arguments. Includes nothing.
namespace strata {

namespace durability {
struct Full;
struct None;
struct Chosen;
}  // namespace durability

namespace drivers {
class Memory;
class Vfs;
class Btrfs;
class Overlay;
}  // namespace drivers

namespace serializers {
struct Json;
struct Journal;
}  // namespace serializers

namespace codec {
struct All;  // codec/all.hpp
}  // namespace codec

class Error;

template <class Traits>
class Item;

template <class Driver, class Serializer>
struct StoreTraits;

/// Template arguments are constrained at the definition, in store/store.hpp: the concepts would need the
/// headers of everything that they mention.
template <class Driver, class Serializer, class Durability = durability::Full,
          class Traits = StoreTraits<Driver, Serializer>>
class Store;

}  // namespace strata

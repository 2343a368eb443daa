#pragma once

/// Names of what programs mention before they use it, and the defaults of their template arguments. Includes nothing.
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

/// Who may stand for an argument is checked where the body is, in store/store.hpp: the concepts would bring with them all
/// that they mention.
template <class Driver, class Serializer, class Durability = durability::Full,
          class Traits = StoreTraits<Driver, Serializer>>
class Store;

}  // namespace strata

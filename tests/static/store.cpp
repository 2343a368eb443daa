#include <strata/codec/all.hpp>
#include <strata/instantiate/store.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>

#include "driver_archetype.hpp"

// Compiled, not linked: a store needs no more of a driver than the concepts say, whatever the serializer.
namespace {

using strata::archetype::Differ;
using strata::archetype::Driver;
using strata::archetype::Mapper;
using strata::archetype::Mounter;
using strata::serializers::Journal;
using strata::serializers::Json;

template <class Item>
constexpr bool mounts = requires(Item const& item) {
  item.mount();
};
template <class Item>
constexpr bool compares = requires(Item const& item) {
  item.changes();
};

// What only some drivers can do is no member of the items of a store with another: not a call that fails.
using Plain = strata::Store<Driver, Json>;
static_assert(!mounts<Plain::Layer> && !compares<Plain::Layer>);
static_assert(compares<strata::Store<Differ, Json>::Container> &&
              !mounts<strata::Store<Differ, Json>::Layer>);
static_assert(mounts<strata::Store<Mounter, Json>::Image> && !compares<strata::Store<Mounter, Json>::Image>);

// What only one kind has is no member of the others.
template <class Item>
constexpr bool has_parent = requires(Item const& item) {
  item.parent();
};
template <class Item>
constexpr bool has_image = requires(Item const& item) {
  item.image();
};
static_assert(has_parent<Plain::Layer> && !has_parent<Plain::Image> && !has_parent<Plain::Container>);
static_assert(has_image<Plain::Container> && !has_image<Plain::Layer> && !has_image<Plain::Image>);

}  // namespace

STRATA_INSTANTIATE_STORE(strata::Store<Driver, Journal>)
STRATA_INSTANTIATE_STORE(strata::Store<Mounter, Json>)
template class strata::Layers<strata::Store<Mapper, Json>::Core>;
template class strata::Containers<strata::Store<Mapper, Json>::Core>;
template class strata::Item<strata::Store<Differ, Journal>::Core::LayerTraits>;

#include <strata/codec/all.hpp>
#include <strata/store/store.hpp>

#include "driver_archetype.hpp"
#include "lock_archetype.hpp"
#include "serializer_archetype.hpp"

// Compiled, not linked: a store needs no more of a serializer and of a lock than their concepts say. Types in an unnamed
// namespace would give all that is instantiated internal linkage, and so a warning for each unused function.
namespace parts {

using strata::archetype::Appender;
using strata::archetype::Driver;
using strata::archetype::Lock;
using strata::archetype::Serializer;
using strata::archetype::TextKeeping;

template <class S>
struct Composed : strata::StoreTraits<Driver, S> {
  using Lock = strata::archetype::Lock;
};
using Files = strata::Store<Driver, Serializer, strata::durability::Chosen, Composed<Serializer>>;
using Texts = strata::Store<Driver, TextKeeping, strata::durability::Chosen, Composed<TextKeeping>>;
using Logged = strata::Store<Driver, Appender, strata::durability::None, Composed<Appender>>;

struct NoToken : Lock {
  struct Guard {};
  Guard shared();
  Guard exclusive();
  std::optional<Guard> try_shared();
  std::optional<Guard> try_exclusive();
  Guard unlocked();
};
struct NoErasing : Appender {
  static void encode_erase();
};
struct NoIds : TextKeeping {
  using TextKeeper = NoIds;
  static void id_in();
};
struct NoReading : Serializer {
  static void decode();
};
static_assert(!strata::StoreLock<NoToken>);
static_assert(!strata::AppendingSerializerFor<NoErasing, strata::LayerRecord>);
static_assert(!strata::TextKeepingSerializerFor<NoIds, strata::LayerRecord>);
static_assert(!strata::SerializerFor<NoReading, strata::LayerRecord>);

}  // namespace parts

using namespace parts;

template class strata::Store<Driver, Serializer, strata::durability::Chosen, Composed<Serializer>>;
template class strata::Item<Files::Core::ImageTraits>;
template class strata::Store<Driver, TextKeeping, strata::durability::Chosen, Composed<TextKeeping>>;
template class strata::Item<Texts::Core::LayerTraits>;
template class strata::Store<Driver, Appender, strata::durability::None, Composed<Appender>>;
template class strata::Item<Logged::Core::LayerTraits>;

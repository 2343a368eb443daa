// says: SerializerFor
// says: decode
#include "common.hpp"

struct Mine : strata::archetype::Serializer {
#ifndef CONTROL
  static void decode();
#endif
};

void open(strata::Store<Memory, Mine>::Options const& options) {
  strata::Store<Memory, Mine> const store(options);
  store.layers();
}

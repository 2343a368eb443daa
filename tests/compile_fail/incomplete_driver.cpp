// says: LayerDriver
// says: d\.remove\(id\)
// says: store\.hpp:[0-9:]+ error: static assertion failed
#include "common.hpp"

struct Mine : strata::archetype::Driver {
  using Driver::Driver;
#ifndef CONTROL
  void remove(strata::LayerId const&);  // the store could not empty the trash after its lock
#endif
};

void open(strata::Store<Mine, Json>::Options const& options) {
  strata::Store<Mine, Json> const store(options);
  store.layers();
}

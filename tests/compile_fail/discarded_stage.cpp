// says: ignoring return value
// says: stage\(\);
#include "common.hpp"

// A staged layer that nobody holds is thrown away.
void fill(strata::Store<Memory, Json>& store) {
#ifdef CONTROL
  store.layers().stage().commit();
#else
  store.layers().stage();
#endif
}

// says: ignoring return value
// says: mount\(\);
#include "common.hpp"

using Mounting = strata::Store<strata::archetype::Mounter, Json>;

// A mount point that nobody holds would be unmounted before anything is written to it.
void fill(Mounting& store) {
#ifdef CONTROL
  auto const mounted = store.layers().get("base").mount();
#else
  store.layers().get("base").mount();
#endif
}

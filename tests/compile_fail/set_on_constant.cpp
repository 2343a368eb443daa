// says: no matching (member )?function for call to .*set
// says: is_constant
#include "common.hpp"

using Store = strata::Store<Memory, Json>;

// Setting big data changes the record that a handle holds. A temporary has its own copy of the handle, which may be changed.
#ifdef CONTROL
void tag(Store::Image& image) {
#else
void tag(Store::Image const& image) {
#endif
  image.big_data().set("key", "value");
}
void tag(Store& store) { store.images().get("image").big_data().set("key", "value"); }

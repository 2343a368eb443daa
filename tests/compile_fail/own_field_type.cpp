// says: Colour
// says: own_fields
// says: a field that own_fields visits has to be of a type that Boost.JSON converts
#include "common.hpp"

#ifdef CONTROL
using Colour = std::string;
#else
struct Colour {
  unsigned char red, green, blue;
};
#endif

struct PaintedLayer : strata::LayerRecord {
  Colour colour = {};

  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit) {
    visit("colour", self.colour);
  }
};

struct PaintedTraits : strata::StoreTraits<Memory, Json> {
  struct Layer : strata::LayerTraits<Memory, Json> {
    using Record = PaintedLayer;
  };
};

using Painted = strata::Store<Memory, Json, strata::durability::Full, PaintedTraits>;

void paint(Painted& store) {
  store.layers().get("base").edit([](PaintedLayer& layer) { layer.colour = {}; });
}

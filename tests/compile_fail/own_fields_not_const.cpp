// says: own_fields of a record has to be public, static, and callable
// says: also for a const record
// says: OneWayLayer
#include "common.hpp"

struct OneWayLayer : strata::LayerRecord {
  std::string colour = {};

#ifdef CONTROL
  template <class Self, class Visitor>
  static void own_fields(Self& self, Visitor&& visit){
#else
  template <class Visitor>
  static void own_fields(OneWayLayer& self, Visitor&& visit) {
#endif
      visit("colour", self.colour);
}
}
;

struct OneWayTraits : strata::StoreTraits<Memory, Json> {
  struct Layer : strata::LayerTraits<Memory, Json> {
    using Record = OneWayLayer;
  };
};

using OneWay = strata::Store<Memory, Json, strata::durability::Full, OneWayTraits>;

void paint(OneWay& store) {
  store.layers().get("base").edit([](OneWayLayer& layer) { layer.colour = "red"; });
}

#include "catalog.hpp"

void fill(Store& store) {
  store.layers().create({.id = "base"});
  store.layers().create({.id = "top", .parent = "base"});
}

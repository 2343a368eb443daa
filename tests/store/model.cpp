#include "stores.hpp"
#include <map>
#include <random>
#include <set>

using namespace strata;
using stores::code_of;

namespace {

/// What a store should hold, in the plainest terms.
struct Model {
  struct LayerModel {
    std::string parent;
    std::set<std::string> names;
    std::string tar;
  };
  struct ImageModel {
    std::string top;
    std::set<std::string> names;
    std::map<std::string, std::string> data;
  };
  std::map<std::string, LayerModel> layers;
  std::map<std::string, ImageModel> images;
  std::map<std::string, std::pair<std::string, std::string>> containers;  ///< image, layer

  bool layer_used(std::string const& id) const {
    for (auto const& [_, layer] : layers)
      if (layer.parent == id) return true;
    for (auto const& [_, image] : images)
      if (image.top == id) return true;
    for (auto const& [_, container] : containers)
      if (container.second == id) return true;
    return false;
  }
  bool is_container_layer(std::string const& id) const {
    for (auto const& [_, container] : containers)
      if (container.second == id) return true;
    return false;
  }
};

template <class S>
void compare(S& store, Model const& model) {
  REQUIRE(store.layers().list().size() == model.layers.size());
  for (auto const& [id, expected] : model.layers) {
    auto const layer = store.layers().find(id);
    REQUIRE(layer);
    CHECK(layer->record().parent == expected.parent);
    auto const& names = layer->names();
    CHECK(std::set<std::string>(names.begin(), names.end()) == expected.names);
  }
  REQUIRE(store.images().list().size() == model.images.size());
  for (auto const& [id, expected] : model.images) {
    auto image = store.images().get(id);
    CHECK(image.record().top_layer == expected.top);
    CHECK(std::set<std::string>(image.names().begin(), image.names().end()) == expected.names);
    for (auto const& [key, value] : expected.data) CHECK(image.big_data().get(key) == value);
  }
  REQUIRE(store.containers().list().size() == model.containers.size());
  for (auto const& [id, expected] : model.containers) {
    auto const container = store.containers().get(id);
    CHECK(container.record().image == expected.first);
    CHECK(container.record().layer == expected.second);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("random sequences of operations agree with an in-memory model", "[store][property]",
                   stores::Vfs, stores::Journal, stores::Overlay) {
  for (unsigned const seed : {1u, 2u, 3u}) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    auto const pick = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    auto const one_of = [&](auto const& map) -> std::string {
      if (map.empty() || pick(12) == 0) return "missing";
      return std::next(map.begin(), static_cast<std::ptrdiff_t>(pick(map.size())))->first;
    };
    stores::Fixture<TestType> fixture;
    auto& store = fixture.store;
    Model model;
    for (int step = 0; step < 150; ++step) {
      auto const name = "name" + std::to_string(pick(12));
      auto const id = "id" + std::to_string(pick(30));
      switch (pick(9)) {
        case 0:
        case 1: {
          auto const parent = pick(3) == 0 ? std::string() : one_of(model.layers);
          bool const taken =
              model.layers.contains(id) ||
              std::ranges::any_of(model.layers, [&](auto const& l) { return l.second.names.contains(name); });
          bool const ok = !taken && (parent.empty() ||
                                     (model.layers.contains(parent) && !model.is_container_layer(parent)));
          auto const tar = pick(2) == 0
                               ? std::string()
                               : stores::tar_of({{"f" + std::to_string(step), std::string(pick(5000), 'x')}});
          auto const code = code_of([&] {
            if (tar.empty())
              store.layers().create({.id = id, .names = {name}, .parent = parent});
            else
              store.layers().import(memory_source(tar), {.id = id, .names = {name}, .parent = parent});
          });
          CHECK(!code == ok);
          if (ok) model.layers[id] = {parent, {name}, tar};
          break;
        }
        case 2: {
          auto const victim = one_of(model.layers);
          bool const ok = model.layers.contains(victim) && !model.layer_used(victim);
          CHECK(!code_of([&] { store.layers().remove(victim); }) == ok);
          if (ok) model.layers.erase(victim);
          break;
        }
        case 3: {
          auto const top = one_of(model.layers);
          bool const ok = model.layers.contains(top) && !model.images.contains(id) &&
                          std::ranges::none_of(model.images,
                                               [&](auto const& i) { return i.second.names.contains(name); });
          CHECK(!code_of([&] { store.images().create({.id = id, .names = {name}, .top_layer = top}); }) ==
                ok);
          if (ok) model.images[id] = {top, {name}, {}};
          break;
        }
        case 4: {
          auto const image = one_of(model.images);
          bool const ok = model.images.contains(image) && !model.containers.contains(id);
          std::string layer;
          CHECK(!code_of([&] { layer = store.containers().create(image, {.id = id}).record().layer; }) == ok);
          if (ok) {
            model.containers[id] = {image, layer};
            model.layers[layer] = {model.images[image].top, {}, {}};
          }
          break;
        }
        case 5: {
          auto const victim = one_of(model.containers);
          auto others = model;
          others.containers.erase(victim);
          bool const ok =
              model.containers.contains(victim) && !others.layer_used(model.containers[victim].second);
          CHECK(!code_of([&] { store.containers().remove(victim); }) == ok);
          if (ok) {
            model.layers.erase(model.containers[victim].second);
            model.containers.erase(victim);
          }
          break;
        }
        case 6: {
          auto const victim = one_of(model.images);
          bool const ok =
              model.images.contains(victim) &&
              std::ranges::none_of(model.containers, [&](auto const& c) { return c.second.first == victim; });
          CHECK(!code_of([&] { store.images().remove(victim); }) == ok);
          if (ok) {
            auto layer = model.images[victim].top;
            model.images.erase(victim);
            while (!layer.empty() && !model.layer_used(layer)) {
              auto const parent = model.layers[layer].parent;
              model.layers.erase(layer);
              layer = parent;
            }
          }
          break;
        }
        case 7: {
          auto const target = one_of(model.layers);
          if (auto layer = store.layers().find(target); layer && target != "missing") {
            layer->add_names({name});
            for (auto& [_, other] : model.layers) other.names.erase(name);
            model.layers[target].names.insert(name);
          }
          break;
        }
        default: {
          auto const target = one_of(model.images);
          if (target == "missing") break;
          auto const value = std::string(pick(100), 'v');
          store.images().get(target).big_data().set(name, value);
          model.images[target].data[name] = value;
        }
      }
      if (step % 25 == 0) compare(store, model);
    }
    compare(store, model);
    for (auto const& [id, layer] : model.layers)
      if (!layer.tar.empty()) CHECK((stores::diff_of(store.layers().get(id)) == layer.tar));
    if constexpr (!std::same_as<TestType, stores::Journal>) {
      TestType again(fixture.options());
      compare(again, model);
    }
  }
}

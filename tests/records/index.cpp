#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/index.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/json.hpp>

#include <catch2/catch.hpp>

#include "../static/driver_archetype.hpp"
#include <random>

using namespace strata;
using Layers = Index<LayerTraits<archetype::Driver, serializers::Json>>;
using Images = Index<ImageTraits<archetype::Driver, serializers::Json>>;
using Containers = Index<ContainerTraits<archetype::Driver, serializers::Json>>;

namespace {

LayerRecord layer(std::string id, names::List names = {}, std::string parent = {}) {
  LayerRecord record;
  record.id = std::move(id);
  record.names = std::move(names);
  record.parent = std::move(parent);
  return record;
}

template <class Rows>
std::vector<std::string> ids(Rows const& rows) {
  std::vector<std::string> out;
  for (auto const& row : rows) out.push_back(row->id);
  return out;
}

std::string found(auto const& index, std::string_view text) {
  auto const row = index.find(text);
  return row ? row->id : "none";
}

/// Also known by a text that is made for each question.
struct Made : LayerTraits<archetype::Driver, serializers::Json> {
  static std::string also_known_as(LayerRecord const& record) { return record.parent + "-as-is-long-enough"; }
  static void refers_to(LayerRecord const& record, auto&& visit) { visit(also_known_as(record)); }
};

}  // namespace

TEST_CASE("an exact id beats a name, a name beats a prefix, an ambiguous prefix finds nothing",
          "[item][index]") {
  Layers index;
  index.put(layer("abc123", {"front"}));
  index.put(layer("abd", {"abc"}));
  index.put(layer("front"));
  CHECK(found(index, "abc123") == "abc123");
  CHECK(found(index, "abc") == "abd");
  CHECK(found(index, "front") == "front");
  CHECK(found(index, "abc1") == "abc123");
  CHECK(found(index, "ab") == "none");
  CHECK(found(index, "") == "none");
  CHECK(found(index, "abc1234") == "none");
  index.put(layer("with blank"));
  CHECK(found(index, "with blank") == "with blank");
  CHECK(found(index, "with b") == "none");
  index.erase("abd");
  CHECK(found(index, "ab") == "abc123");
  CHECK(found(index, "abc") == "abc123");
}

TEST_CASE("room for many rows is no row", "[item][index]") {
  Layers index;
  index.reserve(1000);
  CHECK(index.size() == 0);
  CHECK(index.rows().empty());
  index.put(layer("a"));
  index.reserve(0);
  CHECK(ids(index.rows()) == std::vector<std::string>{"a"});
}

TEST_CASE("rows keep the order of their creation, whatever is replaced or erased", "[item][index]") {
  Layers index;
  for (auto const* id : {"c", "a", "d", "b"}) index.put(layer(id));
  index.put(layer("a", {"renamed"}));
  CHECK(ids(index.rows()) == std::vector<std::string>{"c", "a", "d", "b"});
  index.erase("d");
  index.erase("b");
  index.put(layer("e"));
  CHECK(ids(index.rows()) == std::vector<std::string>{"c", "a", "e"});
  CHECK(index.size() == 3);
}

TEST_CASE("a name that two records claim goes to the later one, one that stands twice in a record is lost",
          "[item][index]") {
  Layers index;
  index.put(layer("a", {"shared", "own"}));
  index.put(layer("b", {"shared", "twice", "twice"}));
  CHECK(index.by_id("a")->names == names::List{"own"});
  CHECK(index.by_id("b")->names == names::List{"shared"});
  CHECK(found(index, "shared") == "b");
  CHECK(found(index, "twice") == "none");
}

TEST_CASE("items are found by what refers to them", "[item][index]") {
  Layers layers;
  layers.put(layer("base"));
  layers.put(layer("one", {}, "base"));
  CHECK(ids(layers.referring_to("base")) == std::vector<std::string>{"one"});
  layers.put(layer("two", {}, "base"));
  layers.put(layer("one", {}, ""));
  CHECK(ids(layers.referring_to("base")) == std::vector<std::string>{"two"});

  Images images;
  ImageRecord image;
  image.id = "i";
  image.top_layer = "base";
  image.mapped_top_layers = {"copy"};
  image.big_data_digests = {{"manifest-x", "sha256:1"}, {"config", "sha256:2"}};
  images.put(std::move(image));
  CHECK(images.referring_to("base").size() == 1);
  CHECK(images.referring_to("copy").size() == 1);
  CHECK(images.referring_to("sha256:1").size() == 1);
  CHECK(images.referring_to("sha256:2").empty());

  Containers containers;
  ContainerRecord container;
  container.id = "c";
  container.image = "i";
  container.layer = "working";
  containers.put(std::move(container));
  CHECK(found(containers, "working") == "c");
  CHECK(found(containers, "work") == "none");
  CHECK(containers.referring_to("i").size() == 1);
}

TEST_CASE("undoing changes in reverse order gives the index back as it was", "[item][index]") {
  Layers index;
  for (auto const* id : {"a", "b", "c"}) index.put(layer(id, {std::string("name-") + id}));
  auto const before = index.rows();
  std::vector<Layers::Undo> steps;
  steps.push_back(index.erase_row("c"));
  steps.push_back(index.erase_row("b"));
  steps.push_back(index.put_row(std::make_shared<LayerRecord const>(layer("d", {"name-b"}))));
  steps.push_back(index.put_row(std::make_shared<LayerRecord const>(layer("a", {"other"}))));
  steps.push_back(index.erase_row("nothing"));
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) index.undo(std::move(*step));
  CHECK(index.rows() == before);
  CHECK(found(index, "name-a") == "a");
  CHECK(found(index, "name-b") == "b");
  CHECK(found(index, "other") == "none");
  CHECK(found(index, "d") == "none");
}

TEST_CASE("the additional key may be one that is made for each question", "[item][index]") {
  Index<Made> index;
  index.put(layer("a", {}, "b"));
  CHECK(found(index, "b-as-is-long-enough") == "a");
}

TEST_CASE("random changes leave the index equal to one made anew", "[item][index]") {
  std::mt19937 random(7);
  Layers index;
  auto const pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  for (int step = 0; step < 3000; ++step) {
    auto const id = "id" + std::to_string(pick(80));
    if (pick(3) == 0) {
      index.erase(id);
    } else {
      index.put(layer(id, {"n" + std::to_string(pick(40))}, "id" + std::to_string(pick(80))));
    }
    if (step % 100 == 0) index.compact();
    if (step % 7 == 0) (void)index.find("id7");
    if (step % 11 == 0) (void)index.referring_to("id3");
  }
  Layers fresh;
  for (auto const& row : index.rows()) fresh.put(LayerRecord(*row));
  CHECK(ids(fresh.rows()) == ids(index.rows()));
  for (unsigned i = 0; i < 80; ++i) {
    auto const id = "id" + std::to_string(i);
    CHECK(found(fresh, id) == found(index, id));
    CHECK(found(fresh, "n" + std::to_string(i)) == found(index, "n" + std::to_string(i)));
    CHECK(ids(fresh.referring_to(id)) == ids(index.referring_to(id)));
  }
}

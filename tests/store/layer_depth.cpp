#include <strata/store/layer_depth.hpp>

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <string>
#include <vector>

using namespace strata::detail;

namespace {

struct LayerRow {
  std::string id, parent;
};

}  // namespace

TEST_CASE("children are sorted before their parents, and equal depths keep their order", "[store]") {
  std::map<std::string, LayerRow> const rows{{"a", {"a", ""}},  {"b", {"b", "a"}}, {"c", {"c", "b"}},
                                             {"x", {"x", "b"}}, {"p", {"p", "q"}}, {"q", {"q", "p"}}};
  auto const find = [&](std::string const& id) {
    auto const found = rows.find(id);
    return found == rows.end() ? nullptr : &found->second;
  };
  CHECK(layer_depth("a", find) == 1);
  CHECK(layer_depth("c", find) == 3);
  CHECK(layer_depth("none", find) == 0);
  CHECK(layer_depth("p", find) == 2);  // in a circle
  std::vector<std::string> ids{"a", "x", "b", "c"};
  sort_children_first(ids, std::identity(), find);
  CHECK(ids == std::vector<std::string>{"x", "c", "b", "a"});
}

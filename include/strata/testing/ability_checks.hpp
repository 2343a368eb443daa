#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/inspect_driver.hpp>
#include <strata/concepts/lineage_driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/concepts/usage_driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/fs.hpp>
#include <strata/problem.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/testing/layer_probe.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strata::testing::detail {

/// Checks the requirements of the optional driver concepts for check, repair and usage that concepts cannot
/// express. Skips those that the driver does not model.
template <LayerDriver D>
void check_abilities(D& driver) {
  using Ancestors = std::optional<std::vector<LayerId>>;
  LayerId const base("base");
  LayerId const top("top");
  LayerId const none("none");
  auto const create_both = [&] {
    create_layer(driver, base, {}, {file("a", "lower")});
    create_layer(driver, top, base, {directory("d"), file("d/b", "upper")});
  };

  SECTION("a layer's own tree can be walked without a mount") {
    create_both();
    with_ability(driver, [&](OwnTreeDriver auto const& able) {
      auto const lower = able.own_tree(base);
      auto const upper = able.own_tree(top);
      REQUIRE((lower && upper));
      CHECK(sys::read_file(lower->path / "a") == "lower");
      CHECK(sys::read_file(upper->path / "d/b") == "upper");
      CHECK(fs::exists(upper->path / "a") == upper->whole);
      CHECK_FALSE(able.own_tree(none));
    });
    driver.remove(top).empty();
    CHECK_FALSE(own_tree_of(driver, top));
  }
  SECTION("a layer's files tell what lies below it") {
    create_both();
    LayerId const third("third");
    create_layer(driver, third, top, {});
    with_ability(driver, [&](LineageDriver auto const& able) {
      CHECK(able.ancestors(base) == Ancestors(std::in_place));
      CHECK(able.ancestors(top) == Ancestors({base}));
      CHECK(able.ancestors(third) == Ancestors({top, base}));
      CHECK_FALSE(able.ancestors(none));
    });
  }
  SECTION("nothing is wrong with a healthy layer, and nothing to be repaired") {
    create_both();
    for (auto const& [id, below] :
         {std::pair(base, Ancestors(std::in_place)), std::pair(top, Ancestors({base})),
          std::pair(base, Ancestors()), std::pair(top, Ancestors())}) {
      with_ability(driver, [&](InspectDriver auto const& able) { CHECK(able.inspect(id, below).empty()); });
      with_ability(driver, [&](RepairDriver auto& able) { CHECK(able.repair(id, below).empty()); });
    }
    CHECK(read_layer_file(driver, top, "d/b") == "upper");
  }
  SECTION("all that the driver keeps belongs to a layer, with a record or without") {
    create_both();
    with_ability(driver, [&](UsageDriver auto const& able) {
      auto const found = able.ownership({base});
      auto const has = [&](LayerId const& id, UsageClass kind) {
        return std::ranges::any_of(
            found, [&](Ownership const& entry) { return entry.id == id.str() && entry.kind == kind; });
      };
      CHECK(has(base, UsageClass::referenced));
      CHECK_FALSE(has(base, UsageClass::orphan));
      CHECK(has(top, UsageClass::orphan));
      CHECK_FALSE(has(top, UsageClass::referenced));
      for (auto const& entry : found) {
        INFO(entry.path);
        CHECK(sys::is_present(entry.path));
        CHECK(entry.removable == (entry.kind == UsageClass::orphan));
      }
    });
  }
  SECTION("contents that take the place of others are told from them") {
    create_both();
    with_ability(driver, [&](IdentityDriver auto& able) {
      auto const before = able.contents_identity(base);
      REQUIRE(before);
      CHECK(before->find('\n') == std::string::npos);
      CHECK(able.contents_identity(base) == before);
      CHECK(able.contents_identity(top) != before);
      CHECK_FALSE(able.contents_identity(none));
      auto staged = able.stage({});
      staged.finish();
      able.replace(base, staged);
      CHECK(able.contents_identity(base) != before);
      able.replace(base, staged);
      CHECK(able.contents_identity(base) == before);
    });
  }
}

}  // namespace strata::testing::detail

#include <strata/conf/policy_path.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"

using namespace strata;

TEST_CASE("conf: the user's policy before the host's", "[conf][policy]") {
  FakeHost fake;
  auto const path = [&] {
    return conf::policy_path(fake.host()).lexically_relative(fake.dir.path()).native();
  };
  CHECK(path() == "etc/containers/policy.json");
  fake.write("home/.config/containers/policy.json", "");
  CHECK(path() == "home/.config/containers/policy.json");
  fake.variables["XDG_CONFIG_HOME"] = (fake.dir / "nowhere").native();
  CHECK(path() == "home/.config/containers/policy.json");
}

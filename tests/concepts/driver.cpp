#include <strata/concepts/driver.hpp>

#include <catch2/catch.hpp>

#include <sstream>

using namespace strata;

TEST_CASE("a change is written for people, and ordered by its path", "[concepts]") {
  std::ostringstream out;
  out << Change{"/a", ChangeKind::add} << ", " << ChangeKind::remove;
  CHECK(out.str() == "added /a, removed");
  CHECK(Change{"/a", ChangeKind::remove} < Change{"/b", ChangeKind::add});
  CHECK(to_text(ChangeKind::modify) == "modified");
}

#include <strata/error.hpp>
#include <strata/maintenance/check_report.hpp>
#include <strata/maintenance/problem_list.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace strata;
using detail::ProblemList;

namespace problem_list_tests {

Problem& add(ProblemList& list, Subject subject, std::string id, Severity severity = Severity::error,
             ProblemKind kind = ProblemKind::tree_missing) {
  return list.add(severity, subject, std::move(id), kind, "text", RepairAction::repair);
}

}  // namespace problem_list_tests

using problem_list_tests::add;

TEST_CASE("problems are sorted by item; those of one item stay in their order",
          "[maintenance][problem_list]") {
  ProblemList list;
  add(list, Subject::container, "a");
  add(list, Subject::layer, "b").text = "first";
  add(list, Subject::layer, "a");
  add(list, Subject::layer, "b").text = "second";
  std::string order;
  for (auto const& each : std::move(list).sorted())
    order += std::string(to_text(each.subject)) + ' ' + each.id + ' ' + each.text + '\n';
  CHECK(order.find("layer a") < order.find("layer b first"));
  CHECK(order.find("layer b first") < order.find("layer b second"));
}

TEST_CASE("problems of a read-only store are not repaired, and say where they are",
          "[maintenance][problem_list]") {
  ProblemList list;
  add(list, Subject::layer, "own");
  list.read_only([&] { add(list, Subject::layer, "other"); });
  CHECK_FALSE(list.all()[0].read_only);
  CHECK(list.all()[0].action == RepairAction::repair);
  CHECK(list.all()[1].read_only);
  CHECK(list.all()[1].action == RepairAction::none);
  CHECK(list.all()[1].text == "read-only text");
}

TEST_CASE("what cannot be read now is one problem however often it is met; other errors pass",
          "[maintenance][problem_list]") {
  ProblemList list;
  Error const broken(std::error_code(EIO, std::system_category()), "read /x");
  Error const absent(Errc::layer_unknown, "layer");
  for (int i = 0; i < 3; ++i) list.unless_unreadable("one", [&] { throw broken; });
  list.unless_unreadable("two", [&] { throw broken; });
  list.unless_unreadable("two", [] {});
  REQUIRE(list.all().size() == 2);
  CHECK(list.all()[0].kind == ProblemKind::unreadable);
  CHECK(list.all()[0].text.find("layer one: read /x") == 0);
  CHECK_THROWS_AS(list.unless_unreadable("one", [&] { throw absent; }), Error);
}

TEST_CASE("errors of a layer are those of what stands on it, its notes and warnings are not",
          "[maintenance][problem_list]") {
  ProblemList list;
  add(list, Subject::layer, "l");
  add(list, Subject::layer, "l", Severity::warning);
  add(list, Subject::layer, "l", Severity::error, ProblemKind::layer_unreferenced);
  add(list, Subject::layer, "other");
  list.read_only([&] { add(list, Subject::layer, "l"); });
  list.inherit(Subject::layer, "l", Subject::image, "i");
  CheckReport const report{.problems = std::move(list).sorted()};
  auto const inherited = report.of(Subject::image, "i");
  REQUIRE(inherited.size() == 2);
  for (auto const& each : inherited) {
    CHECK(each.inherited);
    CHECK_FALSE(each.read_only);
  }
  CHECK_FALSE(report.clean());
  CHECK_FALSE(report.sound());
  CHECK(report.damaged(Subject::layer) == 2);
  CHECK(report.damaged(Subject::layer, true) == 1);
  CHECK(report.damaged(Subject::image) == 1);
  CHECK(report.damaged(Subject::container) == 0);
}

TEST_CASE("a report without errors is sound, one without problems clean", "[maintenance][problem_list]") {
  CHECK(CheckReport().clean());
  CheckReport const warned{.problems = {{.severity = Severity::warning}}};
  CHECK(warned.sound());
  CHECK_FALSE(warned.clean());
}

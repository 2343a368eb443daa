#include <strata/store/repair.hpp>

#include <catch2/catch.hpp>

#include "damages.hpp"
#include "stores.hpp"

using namespace strata;

namespace {
std::string told_of(CheckReport const& report) {
  std::string text;
  for (auto const& f : report.findings)
    text += std::string(to_text(f.severity)) + ' ' + std::string(to_text(f.fault)) + ' ' + f.text + '\n';
  return text;
}
}  // namespace

TEMPLATE_TEST_CASE("each damage of the catalogue is found and mended, and nothing healthy is lost",
                   "[store][repair]", stores::Vfs, stores::Overlay) {
  for (auto const& damage : damages::catalogue<TestType>()) {
    INFO(damage.name);
    damages::Sample<TestType> sample;
    damages::Snapshot before;
    {
      TestType store(sample.options());
      REQUIRE(told_of(store.check()) == "");
      before = damages::snapshot(store, sample);
    }
    damage.make(sample);
    {
      TestType store(sample.options());
      auto const found = store.check();
      INFO(told_of(found));
      CHECK(std::ranges::any_of(found.findings, [&](auto const& f) { return f.fault == damage.fault; }));
      auto const report = store.repair({.check = {.leftover_after = std::chrono::seconds(1)}});
      std::string done;
      for (auto const& line : report.actions) done += line + '\n';
      INFO(done);
      CHECK(report.failures.empty());
      CHECK(told_of(report.after) == "");
      CHECK_FALSE(report.actions.empty());
    }
    TestType store(sample.options());
    CHECK(told_of(store.check()) == "");
    auto const after = damages::snapshot(store, sample);
    for (auto const& [key, text] : before) {
      if (damages::may_change(key, damage.loses)) continue;
      INFO(key);
      auto const found = after.find(key);
      if (found == after.end())
        FAIL_CHECK("lost");
      else
        CHECK(found->second == text);
    }
    // What was there can be worked with.
    auto const box = store.containers().list();
    REQUIRE(box.size() == 1);
    auto const mount = box.front().mount();
    CHECK(damages::read(mount.path() / "d/new") == "written in the container");
    CHECK(damages::read(mount.path() / "e/four") == "4444");
    CHECK_FALSE(std::filesystem::exists(mount.path() / "two"));
    CHECK_FALSE(std::filesystem::exists(mount.path() / "d/one"));
    CHECK(store.layers().create({.parent = sample.top}).parent()->id().str() == sample.top);
  }
}

#include <strata/drivers/overlay/inspect.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

using namespace strata;
using namespace strata::drivers::overlay;

namespace {

/// Directories as the driver makes them, without a driver.
struct Home {
  testing::TempDir directory;
  LayerDirs dirs{directory.path(), {}};

  void layer(std::string const& id, std::vector<std::string> const& below) const {
    for (auto const* name : {"diff", "work"}) fs::create_directories(dirs.own(id) / name);
    if (below.empty()) fs::create_directory(dirs.own(id) / "empty");
    fs::create_directories(dirs.home() / "l");
    sys::replace_file(dirs.own(id) / "link", "L" + id);
    dirs.make_link("L" + id, id);
    std::string lower;
    std::string ids;
    for (auto const& one : below) {
      lower += (lower.empty() ? "l/L" : ":l/L") + one;
      ids += (ids.empty() ? "" : ":") + one;
    }
    if (below.empty()) return;
    sys::replace_file(dirs.own(id) / "lower", lower);
    sys::replace_file(dirs.own(id) / "lower-layers", ids);
  }
  std::string faults(std::string const& id, Ancestors const& ancestors) const {
    std::string out;
    for (auto const& found : inspect_layer(dirs, id, ancestors))
      out += std::string(problem_code(found)) + ' ';
    return out;
  }
};

std::vector<LayerId> ids(std::vector<std::string> const& texts) {
  std::vector<LayerId> out;
  for (auto const& text : texts) out.emplace_back(text);
  return out;
}

}  // namespace

TEST_CASE("what is lost beside an overlay layer's tree is found and made anew", "[overlay][inspect]") {
  Home const home;
  home.layer("base", {});
  home.layer("mid", {"base"});
  home.layer("top", {"mid", "base"});
  Ancestors const below_top = ids({"mid", "base"});
  CHECK(home.faults("base", ids({})) == "");
  CHECK(home.faults("top", below_top) == "");
  CHECK(home.faults("nobody", ids({})) == "tree-missing ");

  auto const damage = GENERATE(0, 1, 2, 3, 4, 5, 6);
  auto const top = home.dirs.own("top");
  std::string const expected[] = {"link-lost ",
                                  "link-lost ",
                                  "lower-wrong ",
                                  "lower-layers-wrong ",
                                  "lower-wrong lower-layers-wrong ",
                                  "lower-layers-wrong ",
                                  "directory-missing "};
  switch (damage) {
    case 0:
      fs::remove(top / "link");
      break;
    case 1:
      fs::remove(home.dirs.home() / "l/Ltop");
      break;
    case 2:
      sys::replace_file(top / "lower", "l/Lbase");
      break;
    case 3:
      sys::replace_file(top / "lower-layers", "base:mid");
      break;
    case 4:
      fs::remove(top / "lower");
      fs::remove(top / "lower-layers");
      break;
    case 5:
      fs::remove(top / "lower-layers");
      break;
    case 6:
      fs::remove(top / "work");
      break;
  }
  CHECK(home.faults("top", below_top) == expected[damage]);
  CHECK_FALSE(repair_layer_files(home.dirs, "top", below_top).empty());
  CHECK(home.faults("top", below_top) == "");
  CHECK(sys::read_file(top / "lower") == "l/Lmid:l/Lbase");
  CHECK(sys::read_file(top / "lower-layers") == "mid:base");
  CHECK(repair_layer_files(home.dirs, "top", below_top).empty());
}

TEST_CASE("nothing is changed where only a person can tell which of two is right", "[overlay][inspect]") {
  Home const home;
  home.layer("base", {});
  home.layer("top", {"base"});
  auto const found = inspect_layer(home.dirs, "top", ids({}));
  REQUIRE_FALSE(found.empty());
  CHECK(found.front().action == RepairAction::none);
  repair_layer_files(home.dirs, "top", ids({}));
  CHECK(sys::read_file(home.dirs.own("top") / "lower") == "l/Lbase");
}

TEST_CASE("everything in overlay's home belongs to something", "[overlay][inspect]") {
  Home const home;
  home.layer("base", {});
  home.layer("raw", {});
  fs::create_directories(home.dirs.home() / "staging/1/dir");
  sys::replace_file(home.dirs.home() / "staging/1/staging.lock", "");
  // What a killed containers-storage leaves of its tests of the kernel; and a layer of such a name.
  for (auto const* name : {"compat123", "metacopy-check4", "opaque-bug-check56"})
    fs::create_directories(home.dirs.home() / name / "lower1");
  fs::last_write_time(home.dirs.home() / "compat123", std::time(nullptr) - 48 * 3600);
  fs::create_directories(home.dirs.home() / "compat");
  home.layer("compat7", {});
  CHECK(home.dirs.list() == std::vector<std::string>{"base", "compat", "compat7", "raw"});
  CHECK(home.dirs.probes() == std::vector<std::string>{"compat123", "metacopy-check4", "opaque-bug-check56"});
  auto const claims = own_home(home.dirs, ids({"base"}));
  auto const kind_of = [&](std::string const& name) {
    for (auto const& claim : claims)
      if (claim.path == home.dirs.home() / name) return std::pair(claim.kind, claim.removable);
    return std::pair(UsageClass::referenced, true);
  };
  CHECK(kind_of("base") == std::pair(UsageClass::referenced, false));
  CHECK(kind_of("raw") == std::pair(UsageClass::orphan, true));
  CHECK(kind_of("l/Lraw") == std::pair(UsageClass::orphan, true));
  CHECK(kind_of("staging/1") == std::pair(UsageClass::trash, true));
  CHECK(kind_of("compat7") == std::pair(UsageClass::orphan, true));
  CHECK(kind_of("compat123") == std::pair(UsageClass::trash, true));
  CHECK(kind_of("metacopy-check4") == std::pair(UsageClass::staged, false));
}

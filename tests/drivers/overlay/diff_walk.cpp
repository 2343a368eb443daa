#include <strata/drivers/overlay/diff_walk.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

namespace fs = boost::filesystem;
using namespace strata::drivers::overlay;

TEST_CASE("a walk tells each entry once, with what stands below it", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  fs::create_directories(dir / "top/b/c");
  fs::create_directories(dir / "low/b");
  fs::ofstream(dir / "top/b.x");
  fs::ofstream(dir / "top/a");
  fs::ofstream(dir / "low/a") << "longer";
  std::vector<std::string> seen;
  DiffWalk(dir / "top", {dir / "low", dir / "missing"}).run([&](DiffEntry const& entry) {
    seen.push_back(entry.path + (entry.below ? "!" : ""));
    if (entry.path == "a") CHECK(entry.below->st_size == 6);
    CHECK(!entry.is_whiteout());
    CHECK(!entry.opaque);
    CHECK(entry.is_directory() == (entry.path == "b" || entry.path == "b/c"));
  });
  CHECK(seen == std::vector<std::string>{"a!", "b!", "b/c", "b.x"});
}

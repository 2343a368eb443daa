#include <strata/fs.hpp>
#include <strata/sys/trash.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace strata;
namespace fs = boost::filesystem;

namespace {

std::vector<std::string> names_in(fs::path const& path) {
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(path)) names.push_back(entry.path().filename().native());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("trash deletes when it is told to, and at its end", "[sys][trash]") {
  testing::TempDir dir;
  int calls = 0;
  auto const fill = [&](char const* name) {
    Trash trash;
    sys::replace_file(dir / name, "x");
    auto held = sys::StagingDirectory::create(dir / "tmp");
    held.take(dir / name);
    trash.add(std::move(held));
    trash.add([&calls] { ++calls; });
    return trash;
  };
  {
    Trash trash = fill("a");
    trash.merge(fill("b"));
    CHECK(names_in(dir / "tmp").size() == 4);
    CHECK(calls == 0);
    trash.empty();
    CHECK(names_in(dir / "tmp").empty());
    CHECK(calls == 2);
    trash = fill("c");
    trash = fill("d");
    CHECK(calls == 3);
    CHECK(names_in(dir / "tmp").size() == 2);
  }
  CHECK(calls == 4);
  CHECK(names_in(dir / "tmp").empty());
}

TEST_CASE("one failure in the trash stops nothing else, is reported, and can be tried again",
          "[sys][trash]") {
  testing::TempDir dir;
  Trash trash;
  int attempts = 0;
  trash.add([&attempts] {
    if (++attempts == 1) throw std::runtime_error("first time");
  });
  trash.add(sys::StagingDirectory::create(dir / "tmp"));
  CHECK_THROWS_AS(trash.empty(), std::runtime_error);
  CHECK(names_in(dir / "tmp").empty());
  trash.empty();
  CHECK(attempts == 2);
  trash.empty();
  CHECK(attempts == 2);
}

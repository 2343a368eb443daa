#include <strata/drivers/overlay/files.hpp>
#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <sys/stat.h>

namespace fs = boost::filesystem;
using strata::Errc;
using strata::Error;
using namespace strata::drivers::overlay;

TEST_CASE("files of many layers are read, more than are kept open", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  LayerDirs const dirs(dir.path(), {});
  LayerFiles files;
  auto const content = [&](std::string const& id, std::string_view name) {
    std::string text;
    auto sink = strata::string_sink(text);
    files.copy(dirs, id, name, sink);
    return text;
  };
  for (int i = 0; i < 10; ++i) {
    auto const id = std::to_string(i);
    fs::create_directories(dir / id / "diff");
    fs::ofstream(dir / id / "diff/f") << id;
    if (i > 0) fs::ofstream(dir / id / "lower-layers") << i - 1;
  }
  for (int round = 0; round < 2; ++round)
    for (int i = 0; i < 10; ++i) CHECK(content(std::to_string(i), "f") == std::to_string(i));
  fs::ofstream(dir / "0/diff/below") << "from below";
  CHECK(content("1", "below") == "from below");
  files.forget();
  CHECK(content("1", "f") == "1");

  SECTION("links stay in the tree, and nothing but regular files is read") {
    fs::create_symlink("/", dir / "1/diff/root");
    fs::create_symlink("../../../../../../etc", dir / "1/diff/up");
    REQUIRE(::mkfifo((dir / "1/diff/fifo").c_str(), 0600) == 0);
    CHECK(content("1", "root/f") == "1");
    for (auto const* name :
         {"up/passwd", "root/etc/passwd", "../../../../../../etc/passwd", "fifo", "root"}) {
      try {
        content("1", name);
        FAIL(name);
      } catch (Error const& error) {
        CHECK(error.code() == Errc::data_unknown);
      }
    }
  }
}

#include <strata/drivers/overlay/left_staging.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <chrono>
#include <ctime>
#include <set>

namespace {
namespace fs = boost::filesystem;
using namespace strata;

struct Staging {
  strata::testing::TempDir home;
  fs::path make(std::string const& name, bool with_lock) const {
    auto const path = home / "staging" / name;
    fs::create_directories(path / "dir");
    if (with_lock) sys::replace_file(path / "staging.lock", "");
    return path;
  }
  std::set<std::string> left() const {
    std::set<std::string> names;
    for (auto const& entry : fs::directory_iterator(home / "staging"))
      names.insert(entry.path().filename().native());
    return names;
  }
};
}  // namespace

TEST_CASE("what ended pulls left goes, what a living one fills stays", "[overlay][left_staging]") {
  Staging const staging;
  auto const live = staging.make("live", true);
  staging.make("dead", true);
  staging.make("young", false);
  auto const old = staging.make("old", false);
  fs::last_write_time(old, std::time(nullptr) - 25 * 3600);
  auto const lock = sys::open_at(AT_FDCWD, live / "staging.lock", O_RDWR);
  struct flock whole {};
  whole.l_type = F_WRLCK;
  REQUIRE(::fcntl(lock.get(), F_OFD_SETLK, &whole) == 0);
  drivers::overlay::prune_staging(staging.home.path());
  CHECK(staging.left() == std::set<std::string>{"live", "young"});
}

TEST_CASE("a home in which nobody ever staged is left as it is", "[overlay][left_staging]") {
  strata::testing::TempDir const home;
  drivers::overlay::prune_staging(home.path());
  CHECK(fs::is_empty(home.path()));
}

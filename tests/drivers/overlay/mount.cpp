#include <strata/drivers/overlay/mount.hpp>
#include <strata/fs.hpp>
#include <strata/sys/mount.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <unistd.h>

namespace fs = boost::filesystem;
using strata::Error;
using namespace strata::drivers::overlay;

TEST_CASE("the data of a mount", "[drivers][overlay]") {
  MountPlan plan{
      .lowers = {"/l/a", "/l/b"}, .upper = "/u", .work = "/w", .label = "system_u:object_r:x:s0:c1,c2"};
  CHECK(mount_data(plan, {"userxattr", "volatile"}) ==
        "lowerdir=/l/a:/l/b,upperdir=/u,workdir=/"
        "w,userxattr,volatile,context=\"system_u:object_r:x:s0:c1,c2\"");
  CHECK(mount_data({.lowers = {"/l/a"}}, {}) == "lowerdir=/l/a");
}

TEST_CASE("options are parted into flags and overlay's own", "[drivers][overlay]") {
  auto const split =
      strata::drivers::overlay::detail::split_options({"nodev", "ro", "", "metacopy=on", "rw", "rslave"});
  CHECK(split.flags == MS_NODEV);
  CHECK(split.propagation == (MS_SLAVE | MS_REC));
  CHECK(split.data == std::vector<std::string>{"metacopy=on"});
}

TEST_CASE("every way of telling the kernel gives the same mount", "[drivers][overlay]") {
  if (::geteuid() != 0) {
    WARN("skipped: overlay mounts need root");
    return;
  }
  strata::testing::TempDir dir(fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
  MountPlan plan{.upper = dir / "upper",
                 .work = dir / "work",
                 .options = {"nodev", "volatile"},
                 .target = dir / "merged"};
  int count = 3;
  SECTION("few layers") {}
  SECTION("499 layers") { count = 499; }
  for (int i = 0; i < count; ++i) {
    plan.lowers.push_back(dir / std::to_string(i));
    fs::create_directory(plan.lowers.back());
    fs::ofstream(plan.lowers.back() / std::to_string(i));
  }
  for (auto const& path : {plan.upper, plan.work, plan.target}) fs::create_directory(path);
  auto const cwd = fs::current_path();
  for (auto const call : {MountCall::any, MountCall::text, MountCall::parameters, MountCall::descriptors}) {
    if (call == MountCall::text && count > 3) {
      CHECK_THROWS_AS(mount_overlay(plan, call), Error);
      continue;
    }
    try {
      mount_overlay(plan, call);
    } catch (Error const& error) {
      if (call != MountCall::parameters) throw;
      WARN("skipped: lowerdir+ (Linux 6.8): " << error.what());
      continue;
    }
    CHECK(std::distance(fs::directory_iterator(plan.target), fs::directory_iterator()) == count);
    auto const mount = strata::sys::find_mount(plan.target);
    REQUIRE(mount);
    CHECK(mount->type == "overlay");
    CHECK(mount->options.find("nodev") != std::string::npos);
    CHECK(mount->super_options.find("volatile") != std::string::npos);
    strata::sys::unmount(plan.target);
    fs::remove_all(plan.work / "work");
    CHECK(fs::current_path() == cwd);
  }
}

TEST_CASE("a mount that fails says for which directory", "[drivers][overlay]") {
  if (::geteuid() != 0) {
    WARN("skipped: overlay mounts need root");
    return;
  }
  strata::testing::TempDir dir;
  fs::create_directory(dir / "merged");
  MountPlan const plan{
      .lowers = {dir / "missing", dir / "missing2"}, .options = {"ro"}, .target = dir / "merged"};
  for (auto const call : {MountCall::any, MountCall::text, MountCall::descriptors}) {
    try {
      mount_overlay(plan, call);
      FAIL("mounted");
    } catch (Error const& error) {
      CHECK(error.code() == std::error_code(ENOENT, std::system_category()));
    }
  }
  CHECK(!strata::sys::is_mount_point(plan.target));
}

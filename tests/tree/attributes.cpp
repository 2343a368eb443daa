#include <strata/fs.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/attributes.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

using namespace strata::archive;
using strata::sys::open_at;
using strata::sys::OpenedAs;

TEST_CASE("a mode with set-user-ID survives a change of owner, by either kind of descriptor",
          "[archive][attributes]") {
  if (::geteuid() != 0) {
    WARN("needs root: not checked");
    return;
  }
  strata::testing::TempDir const place;
  for (auto const handle : {OpenedAs::file, OpenedAs::path_only}) {
    auto const path = place / (handle == OpenedAs::file ? "a" : "b");
    strata::fs::ofstream(path) << "text";
    REQUIRE(::chmod(path.c_str(), 06755) == 0);
    auto const fd = open_at(AT_FDCWD, path, handle == OpenedAs::file ? O_RDONLY : O_PATH);
    AttributeSetter setter(fd.get(), handle, path.native());
    setter.owner({.uid = 7, .gid = 8}, ChownErrors::fail);
    setter.mode(06755);
    setter.times(AttributeSetter::clamp({.seconds = 5}, {.seconds = 6, .nanoseconds = 7}));
    AttributeSetter const now(fd.get(), handle, path.native());
    CHECK((now.status().st_mode & 07777U) == 06755U);
    CHECK(now.status().st_uid == 7);
    CHECK(now.status().st_gid == 8);
    CHECK(now.status().st_atim.tv_sec == 5);
    CHECK(now.status().st_mtim.tv_sec == 6);
    CHECK(now.status().st_mtim.tv_nsec == 7);
  }
}

TEST_CASE("errors name the call and the path in the tree", "[archive][attributes]") {
  strata::testing::TempDir const place;
  strata::fs::ofstream(place / "a") << "text";
  auto const fd = open_at(AT_FDCWD, place / "a", O_RDONLY);
  AttributeSetter setter(fd.get(), OpenedAs::file, "etc/a");
  try {
    setter.xattrs({.xattrs = {{"user." + std::string(300, 'n'), "too long"}}});
    FAIL("accepted");
  } catch (strata::Error const& error) {
    CHECK(error.code() == std::errc::result_out_of_range);
    CHECK(error.subject().ends_with(" on etc/a"));
  }
}

TEST_CASE("times before 1970 become 1970, save for links", "[archive][attributes]") {
  TarHeader header{.mtime = {.seconds = -1, .nanoseconds = 5}};
  CHECK(AttributeSetter::times_of(header)[1].tv_sec == 0);
  CHECK(AttributeSetter::times_of(header)[1].tv_nsec == 0);
  header.type = EntryType::symlink;
  CHECK(AttributeSetter::times_of(header)[1].tv_sec == -1);
  CHECK(AttributeSetter::times_of(header)[0].tv_sec == 0);
}

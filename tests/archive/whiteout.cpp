#include <strata/archive/whiteout.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <sys/sysmacros.h>

using namespace strata::archive;

TEST_CASE("whiteout names say what they hide", "[archive][whiteout]") {
  CHECK(is_whiteout(".wh.a"));
  CHECK(is_whiteout(".wh."));
  CHECK_FALSE(is_whiteout("a.wh.b"));
  CHECK_FALSE(is_whiteout(".wh"));
  CHECK(whiteout_target(".wh.a") == "a");
  CHECK(whiteout_target(".wh..wh.aufs") == ".wh.aufs");
  CHECK(whiteout_path("a") == ".wh.a");
  CHECK(whiteout_path("a/b/c") == "a/b/.wh.c");
}

TEST_CASE("a whiteout cannot name its own directory or one above", "[archive][whiteout]") {
  for (std::string const name : {".wh.", ".wh..", ".wh..."})
    CHECK_THROWS_AS(whiteout_target(name), strata::Error);
  CHECK(whiteout_target(".wh....") == "...");
}

TEST_CASE("overlayfs's own signs are known, and only those", "[archive][whiteout]") {
  struct stat status {};
  status.st_mode = S_IFCHR;
  CHECK(is_overlay_whiteout(status));
  status.st_rdev = makedev(0, 1);
  CHECK_FALSE(is_overlay_whiteout(status));
  status = {};
  status.st_mode = S_IFBLK;
  CHECK_FALSE(is_overlay_whiteout(status));
  CHECK(is_overlay_xattr("trusted.overlay.redirect"));
  CHECK(is_overlay_xattr("user.overlay.opaque"));
  CHECK_FALSE(is_overlay_xattr("user.overlayed"));
  CHECK(is_unpacked_xattr("security.capability"));
  CHECK(is_unpacked_xattr("user.overlayed"));
  CHECK_FALSE(is_unpacked_xattr("security.selinux"));
  CHECK_FALSE(is_unpacked_xattr("trusted.overlay.opaque"));
}

TEST_CASE("a character device 0:0 is refused, other devices are not", "[archive][whiteout]") {
  TarHeader header{.name = "a", .type = EntryType::char_device};
  CHECK_THROWS_AS(refuse_reserved(header), strata::Error);
  header.dev_minor = 1;
  CHECK_NOTHROW(refuse_reserved(header));
  CHECK_NOTHROW(refuse_reserved({.name = "b", .type = EntryType::block_device}));
}

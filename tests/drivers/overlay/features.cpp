#include <strata/drivers/overlay/features.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;
using drivers::overlay::Features;

TEST_CASE("what is known of overlayfs is not tried out, and a store that is only read tries nothing",
          "[drivers][overlay]") {
  testing::TempDir const dir;
  auto const known = dir / "run";
  auto const temp_dirs = dir / "tempdirs";
  sys::make_directories(known, 0700);
  auto const write = [&](std::string const& name, std::string const& text) {
    sys::replace_file(known / name, text);
  };
  Features const features({.known = known, .temp_dirs = temp_dirs, .read_only = true}, "nodev,metacopy=on");
  CHECK(features.configured() == std::vector<std::string>{"nodev", "metacopy=on"});
  CHECK_FALSE(features.overlay().works);
  CHECK_FALSE(features.metacopy());
  CHECK_FALSE(features.volatile_mounts());
  CHECK_FALSE(features.idmapped_lower());
  CHECK(features.native_diff());

  write("overlay-true", "");
  write("metacopy(nodev,metacopy=on)-true", "");
  write("native-diff(nodev,metacopy=on)-false", "renamed directories are redirected");
  write("volatile-true", "");
  CHECK(features.overlay().works);
  CHECK(features.metacopy());
  CHECK(features.volatile_mounts());
  CHECK_FALSE(features.native_diff());
  CHECK_FALSE(fs::exists(temp_dirs));
}

#include <strata/drivers/overlay/options.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <vector>

using strata::Errc;
using strata::Error;
using strata::drivers::overlay::Options;
using strata::drivers::overlay::split;

namespace {
/// The text of the refusal.
std::string refusal(std::vector<std::string> const& texts) {
  try {
    Options::parse(texts);
  } catch (Error const& error) {
    CHECK(error.code() == Errc::driver_option);
    return error.subject();
  }
  return "accepted";
}
}  // namespace

TEST_CASE("overlay options are read with and without prefix, the last one wins", "[drivers][overlay]") {
  auto const options =
      Options::parse({"overlay.mountopt=nodev", ".skip_mount_home=true", "overlay2.ignore_chown_errors=1",
                      "mountopt = nodev,metacopy=on ", "overlay.MountOpt=nodev,fsync=0", "sync=filesystem"});
  CHECK(options.mountopt == "nodev,fsync=0");
  CHECK(options.skip_mount_home);
  CHECK(options.ignore_chown_errors);
  CHECK(options.sync_file_system);
  CHECK(options.mount_program.empty());
  CHECK(Options::parse({}).home_name == "overlay");
}

TEST_CASE("overlay options with units and words", "[drivers][overlay]") {
  CHECK(Options::parse({"size=10m"}).size == 10U << 20U);
  CHECK(Options::parse({"overlay.inodes=1000"}).inodes == 1000);
  CHECK(Options::parse({"force_mask=shared"}).force_mask == 0755U);
  CHECK(Options::parse({"force_mask=private"}).force_mask == 0700U);
  CHECK(Options::parse({"force_mask=0750"}).force_mask == 0750U);
  CHECK_FALSE(Options::parse({}).force_mask);
  CHECK(Options::parse({"sync= FileSystem "}).sync_file_system);
}

TEST_CASE("overlay options of other drivers are passed over", "[drivers][overlay]") {
  CHECK(refusal({"vfs.bogus=1", "btrfs.min_space=10G", "zfs.fsname=x"}) == "accepted");
}

TEST_CASE("overlay options that cannot be honoured are refused with the text that programs print",
          "[drivers][overlay]") {
  CHECK(refusal({"foo"}) == "unable to parse key/value option: foo");
  CHECK(refusal({"overlay.bogus=1"}) == "overlay: unknown option overlay.bogus");
  CHECK(refusal({"=1"}) == "overlay: unknown option ");
  CHECK(refusal({"overlay.skip_mount_home=maybe"}) == "strconv.ParseBool: parsing \"maybe\": invalid syntax");
  CHECK(refusal({"overlay.mount_program=/no/such"}) ==
        "overlay: can't stat program \"/no/such\": stat /no/such: no such file or directory");
  CHECK(refusal({"overlay.size=x"}) == "invalid size: 'x'");
  CHECK(refusal({"overlay.inodes=x"}) == "strconv.ParseUint: parsing \"x\": invalid syntax");
  CHECK(refusal({"overlay.force_mask=zz"}) == "strconv.ParseInt: parsing \"zz\": invalid syntax");
  for (auto const* text :
       {"overlay.use_composefs=true", "overlay.additionallayerstore=/x", "overlay.sync=often"})
    CHECK(refusal({text}) != "accepted");
  CHECK(refusal({"overlay.sync=", "overlay.use_composefs=false", "overlay.override_kernel_check=1"}) ==
        "accepted");
}

TEST_CASE("overlay image stores are absolute directories", "[drivers][overlay]") {
  strata::testing::TempDir dir;
  auto const a = dir / "a";
  auto const b = dir / "b";
  strata::fs::create_directories(a);
  strata::fs::create_directories(b);
  strata::fs::ofstream(dir / "file");
  auto const options = Options::parse(
      {"overlay.imagestore=" + a.native() + "," + b.native(), "additionalimagestore=" + a.native()});
  CHECK(options.image_stores == std::vector<strata::fs::path>{a, b});
  auto const missing = (dir / "missing").native();
  CHECK(refusal({"imagestore=" + missing}) == "overlay: can't stat imageStore dir " + missing + ": stat " +
                                                  missing + ": no such file or directory");
  CHECK(refusal({"imagestore=relative"}) ==
        "overlay: image path \"relative\" is not absolute.  Can not be relative");
  CHECK(refusal({"imagestore=" + (dir / "file").native()}) ==
        "overlay: image path \"" + (dir / "file").native() + "\" must be a directory");
}

TEST_CASE("split keeps empty pieces between separators", "[drivers][overlay]") {
  CHECK(split("", ',').empty());
  CHECK(split("a", ',') == std::vector<std::string>{"a"});
  CHECK(split("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
}

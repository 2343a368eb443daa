#include <strata/error.hpp>
#include <strata/oci/image_directory.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <atomic>
#include <chrono>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace strata;

namespace image_directory_tests {  // several files of tests are compiled as one

using oci::ImageDirectory;
using oci_tools::system;

namespace {

std::error_code error_of(std::function<void()> const& call) {
  try {
    call();
  } catch (Error const& error) {
    INFO(error.what());
    CHECK_FALSE(error.path().empty());
    return error.code();
  }
  return {};
}

}  // namespace

TEST_CASE("files are put into a directory and read from it", "[oci][image_directory]") {
  testing::TempDir const place;
  ImageDirectory const files(place / "new/image", GENERATE(Flush::none, Flush::full));
  CHECK(files.path() == place / "new/image");
  CHECK_FALSE(files.contains("a"));
  files.make_directory("");
  files.make_directory("blobs/sha256");
  files.make_directory("blobs/sha256");
  files.put("blobs/sha256/a", memory_source("first"));
  files.put("blobs/sha256/a", memory_source("second"));
  files.put("b", memory_source("b"));
  CHECK(files.contains("b"));
  CHECK(files.find("blobs/sha256/a") == 6);
  CHECK(files.read("blobs/sha256/a", 6) == "second");
  auto part = files.open("blobs/sha256/a", {1, 3});
  CHECK(as_text(part.next()) == "eco");
  CHECK(as_text(files.open("b").next()) == "b");
  CHECK(error_of([&] { files.read("blobs/sha256/a", 5); }) == Errc::over_budget);
  CHECK(error_of([&] { files.open("blobs/sha256/a", {5, 2}); }) == Errc::corrupt_archive);
  CHECK(error_of([&] { files.open("blobs/sha256/missing"); }) == system(ENOENT));
  CHECK(error_of([&] { files.put("missing/a", memory_source("")); }) == system(ENOENT));
  CHECK(files.remove("b"));
  CHECK_FALSE(files.remove("b"));
  CHECK(sys::entries_of(place / "new/image") == std::vector{place / "new/image/blobs"});
}

TEST_CASE("a file whose source fails is not put into a directory", "[oci][image_directory]") {
  struct Failing {
    int calls = 0;
    Bytes next() {
      if (++calls == 2) throw Error(Errc::digest_mismatch, "blob");
      return as_bytes("part");
    }
  };
  testing::TempDir const place;
  ImageDirectory const files(place.path());
  files.put("a", memory_source("old"));
  CHECK_THROWS_AS(files.put("a", Failing{}), Error);
  CHECK(files.read("a", 10) == "old");
  CHECK(sys::entries_of(place.path()) == std::vector{place / "a"});
}

TEST_CASE("a link leads nowhere out of a directory", "[oci][image_directory]") {
  testing::TempDir const place;
  sys::replace_file(place / "secret", "secret");
  fs::create_directories(place / "image/inside");
  fs::create_directories(place / "outside");
  ImageDirectory const files(place / "image");
  fs::create_symlink("../secret", place / "image/relative");
  fs::create_symlink(place / "secret", place / "image/absolute");
  fs::create_symlink("../outside", place / "image/blobs");
  fs::create_symlink("/proc/self/root", place / "image/magic");
  fs::create_symlink("circle", place / "image/circle");
  fs::create_symlink("inside", place / "image/good");
  for (auto const* const name : {"relative", "absolute", "blobs/x", "magic/etc/passwd", "../secret"}) {
    INFO(name);
    CHECK(error_of([&] { files.contains(name); }) == Errc::unsafe_path);
    CHECK(error_of([&] { files.open(name); }) == Errc::unsafe_path);
    CHECK(error_of([&] { files.read(name, 100); }) == Errc::unsafe_path);
  }
  CHECK(error_of([&] { files.make_directory("blobs/sha256"); }) == Errc::unsafe_path);
  CHECK(error_of([&] { files.put("blobs/x", memory_source("x")); }) == Errc::unsafe_path);
  CHECK(error_of([&] { files.remove("blobs/x"); }) == Errc::unsafe_path);
  CHECK(error_of([&] { files.open("circle"); }) == system(ELOOP));
  CHECK(fs::is_empty(place / "outside"));
  files.put("good/file", memory_source("within"));  // a link within the directory is as good as what it names
  CHECK(files.read("inside/file", 10) == "within");
  files.put("relative", memory_source("replaced"));  // the link itself
  CHECK(files.read("relative", 10) == "replaced");
  CHECK(sys::read_file(place / "secret") == "secret");
}

TEST_CASE("what is no file in a directory is an error and is not waited for", "[oci][image_directory]") {
  testing::TempDir const place;
  ImageDirectory const files(place.path());
  fs::create_directory(place / "directory");
  sys::replace_file(place / "file", "x");
  REQUIRE(::mkfifo((place / "fifo").c_str(), 0600) == 0);
  CHECK(error_of([&] { files.open("fifo"); }) == Errc::unsupported);
  CHECK(error_of([&] { files.find("directory"); }) == Errc::unsupported);
  CHECK_FALSE(files.contains("file/below"));
  CHECK(error_of([&] { files.open("file/below"); }) == system(ENOTDIR));
  CHECK(error_of([&] { files.make_directory("file/below"); }) == system(ENOTDIR));
}

TEST_CASE("one at a time has a directory locked", "[oci][image_directory]") {
  testing::TempDir const place;
  ImageDirectory const files(place.path());
  std::atomic<bool> ours = true;
  bool overlapped = false;
  auto lock = files.lock();
  std::thread other([&] {
    auto const second = files.lock();
    overlapped = ours;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ours = false;
  lock.reset();
  other.join();
  CHECK_FALSE(overlapped);
}

}  // namespace image_directory_tests

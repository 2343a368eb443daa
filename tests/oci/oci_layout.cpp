#include <strata/error.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/image_destination_suite.hpp>
#include <strata/testing/image_source_suite.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <csignal>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace strata;

namespace oci_layout_tests {  // several files of tests are compiled as one

using oci::ManifestRole;
using oci::OciLayout;
using oci_tools::error_of;
using oci_tools::system;
using testing::sample_image;
using testing::SampleImage;
using testing::TempDir;

namespace {

void put(OciLayout& layout, std::string const& name, SampleImage const& image) {
  testing::detail::put_blobs(layout, image);
  layout.put_manifest(name, image.manifest);
}

SampleImage save(fs::path const& path, std::string const& name) {
  auto image = sample_image(name);
  OciLayout layout(path);
  put(layout, name, image);
  layout.finish();
  return image;
}

std::string blob_path(Digest const& digest) { return "blobs/sha256/" + std::string(digest.hex()); }

}  // namespace

TEST_CASE("OciLayout keeps the contracts of image sources and destinations", "[oci][oci_layout]") {
  testing::image_destination_suite<OciLayout, OciLayout>(
      [](fs::path const& path) { return OciLayout(path); },
      [](fs::path const& path) { return OciLayout(path); });
}

TEST_CASE("a layout has the files that containers/image writes", "[oci][oci_layout]") {
  TempDir const place;
  auto const image = save(place / "new/layout", "one");
  auto const at = place / "new/layout";
  CHECK(sys::read_file(at / "oci-layout") == R"({"imageLayoutVersion": "1.0.0"})");
  auto const manifest = image.parsed();
  CHECK(
      sys::read_file(at / "index.json") ==
      R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
          manifest.digest().str() + R"(","size":)" + std::to_string(image.manifest.bytes.size()) +
          R"(,"annotations":{"org.opencontainers.image.ref.name":"one"}}]})");
  CHECK(sys::entries_of(at) == std::vector{at / "blobs", at / "index.json", at / "oci-layout"});
  CHECK(sys::entries_of(at / "blobs/sha256").size() == 4);
  CHECK((fs::status(at / blob_path(manifest.digest())).permissions() & fs::perms_mask) == 0644);
}

TEST_CASE("images are added to a layout as containers/image adds them", "[oci][oci_layout]") {
  TempDir const place;
  auto const one = save(place / "l", "one");
  auto const two = save(place / "l", "two");
  OciLayout layout(place / "l");
  CHECK(layout.references() == std::vector<std::string>{"one", "two"});
  CHECK(error_of([&] { layout.manifest(""); }, "one, two") == Errc::image_unknown);
  CHECK(error_of([&] { layout.manifest("three"); }, "one, two") == Errc::image_unknown);

  layout.put_manifest("one", two.manifest);  // takes the name from the first image, which keeps its place
  layout.finish();
  auto const first = one.parsed().digest().str();
  CHECK(layout.references() == std::vector<std::string>{first, "two", "one"});
  CHECK(layout.manifest(first).bytes == one.manifest.bytes);
  CHECK(layout.manifest("one").bytes == two.manifest.bytes);

  layout.put_manifest("one", one.manifest);  // an entry of the image without a name gets it
  layout.finish();
  CHECK(layout.references() == std::vector<std::string>{"one", "two", two.parsed().digest().str()});
  auto const index = sys::read_file(place / "l/index.json");
  layout.put_manifest("one", one.manifest);
  layout.finish();
  CHECK(sys::read_file(place / "l/index.json") == index);
}

TEST_CASE("what is not known of an index stays in it", "[oci][oci_layout]") {
  TempDir const place;
  save(place / "l", "one");
  auto text = sys::read_file(place / "l/index.json");
  text.insert(1, R"("x":{"deep":[1,2.5,null]},"annotations":{"a":"<b>"},)");
  text.insert(text.find(R"("mediaType")"), R"("y":true,)");
  text.insert(text.rfind(']'), R"(,"no entry",{"mediaType":"only"})");
  sys::replace_file(place / "l/index.json", text);
  save(place / "l", "two");
  auto const after = sys::read_file(place / "l/index.json");
  for (auto const* const part :
       {R"("x":{"deep":[1,2.5,null]})", R"("y":true)", R"("no entry",{"mediaType":"only"})"})
    CHECK(after.find(part) != std::string::npos);
  CHECK(OciLayout(place / "l").references() == std::vector<std::string>{"one", "two"});
}

TEST_CASE("links out of a layout are not followed", "[oci][oci_layout]") {
  TempDir const place;
  auto const image = save(place / "l", "one");
  auto const layer = image.blobs().back();
  OciLayout layout(place / "l");
  auto const escape = [&](std::string const& name) {
    fs::rename(place / "l" / name, place / "outside");
    fs::create_symlink(place / "outside", place / "l" / name);
  };
  SECTION("a blob") {
    escape(blob_path(layer.digest));
    CHECK(error_of([&] { layout.blob(layer); }, "link out of") == Errc::unsafe_path);
    CHECK(error_of([&] { layout.has_blob(layer); }) == Errc::unsafe_path);
  }
  SECTION("the directory of blobs") {
    escape("blobs");
    CHECK(error_of([&] { layout.blob(layer); }) == Errc::unsafe_path);
    CHECK(error_of([&] { layout.manifest("one"); }) == Errc::unsafe_path);
    auto const before = sys::entries_of(place / "outside/sha256");
    CHECK(error_of([&] { save(place / "l", "two"); }) == Errc::unsafe_path);
    CHECK(sys::entries_of(place / "outside/sha256") == before);
  }
  SECTION("the index") {
    escape("index.json");
    CHECK(error_of([&] { layout.manifest("one"); }) == Errc::unsafe_path);
    CHECK(error_of([&] { layout.references(); }) == Errc::unsafe_path);
  }
  SECTION("a link within it is followed") {
    fs::rename(place / "l" / blob_path(layer.digest), place / "l/elsewhere");
    fs::create_symlink("../../elsewhere", place / "l" / blob_path(layer.digest));
    CHECK(testing::read_all(layout.blob(layer)) == image.layers.back());
  }
  SECTION("links in a circle") {
    fs::remove(place / "l" / blob_path(layer.digest));
    fs::create_symlink(layer.digest.hex(), place / "l" / blob_path(layer.digest));
    CHECK(error_of([&] { layout.blob(layer); }) == system(ELOOP));
  }
}

TEST_CASE("damage of a layout is an error that names it", "[oci][oci_layout]") {
  TempDir const place;
  auto const image = save(place / "l", "one");
  auto const digest = image.parsed().digest();
  auto const layer = image.blobs().back();
  OciLayout layout(place / "l");
  auto const write = [&](std::string const& name, std::string const& text) {
    sys::replace_file(place / "l" / name, text);
  };
  auto const path = (place / "l").native();
  SECTION("another manifest under its digest") {
    write(blob_path(digest), sample_image("other").manifest.bytes);
    CHECK(error_of([&] { layout.manifest("one"); }, path) == Errc::digest_mismatch);
    CHECK(error_of([&] { layout.manifest(digest.str()); }, path) == Errc::digest_mismatch);
  }
  SECTION("a blob that is too short or too long, and is put anew") {
    write(blob_path(layer.digest), image.layers.back() + "more");
    CHECK(error_of([&] { layout.blob(layer); }, path) == Errc::digest_mismatch);
    write(blob_path(layer.digest), "");
    CHECK(error_of([&] { layout.blob(layer); }, path) == Errc::digest_mismatch);
    CHECK_FALSE(layout.has_blob(layer));
    layout.put_blob(layer, memory_source(image.layers.back()));
    CHECK(testing::read_all(layout.blob(layer)) == image.layers.back());
  }
  SECTION("blobs is a file") {
    fs::remove_all(place / "l/blobs");
    write("blobs", "");
    CHECK(error_of([&] { layout.blob(layer); }, path) == system(ENOTDIR));
    CHECK_FALSE(layout.has_blob(layer));
    CHECK(error_of([&] { save(place / "l", "two"); }, path) == system(ENOTDIR));
  }
  SECTION("no index, or one of another kind") {
    fs::remove(place / "l/index.json");
    CHECK(error_of([&] { layout.manifest("one"); }, path) == system(ENOENT));
    for (auto const* const text : {"", "[]", "{}", "null", R"({"schemaVersion":1,"manifests":[]})",
                                   R"({"schemaVersion":2,"manifests":{}})", "{\"schemaVersion\":2"}) {
      INFO(text);
      write("index.json", text);
      CHECK(error_of([&] { layout.references(); }, path) == Errc::corrupt_document);
      CHECK(error_of([&] { layout.finish(); }, path) == Errc::corrupt_document);
      CHECK(sys::read_file(place / "l/index.json") == text);
    }
    write("index.json", R"({"schemaVersion":2})");
    CHECK(layout.references().empty());
    CHECK(error_of([&] { layout.manifest(""); }, path) == Errc::image_unknown);
  }
  SECTION("entries that are none") {
    write("index.json", R"({"schemaVersion":2,"manifests":[7,null,{},{"annotations":3,"digest":4},)"
                        R"({"annotations":{"org.opencontainers.image.ref.name":"a"}}]})");
    CHECK(layout.references() == std::vector<std::string>{"a"});
    CHECK(error_of([&] { layout.manifest("a"); }, path) == Errc::corrupt_document);
    CHECK(error_of([&] { layout.manifest("b"); }, path) == Errc::image_unknown);
  }
  SECTION("a digest that leads elsewhere") {
    write("index.json",
          R"({"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
          R"("digest":"sha256:../../../etc/passwd","size":3}]})");
    CHECK(error_of([&] { layout.manifest(""); }, path) == Errc::digest_invalid_format);
  }
  SECTION("a manifest that is too large") {
    write(blob_path(digest), std::string(5U << 20U, ' '));
    CHECK(error_of([&] { layout.manifest("one"); }, path) == Errc::over_budget);
  }
  SECTION("another version of the layout") {
    write("oci-layout", R"({"imageLayoutVersion":"2.0.0"})");
    CHECK(error_of([&] { layout.finish(); }, path) == Errc::unsupported);
    write("oci-layout", "");
    CHECK(error_of([&] { layout.finish(); }, path) == Errc::corrupt_document);
  }
}

TEST_CASE("an index of 200 MB is refused and one of 100,000 manifests is read", "[oci][oci_layout]") {
  TempDir const place;
  save(place / "l", "one");
  OciLayout layout(place / "l");
  auto index = sys::read_file(place / "l/index.json");
  auto const end = index.rfind(']');
  std::string more;
  for (int i = 0; i < 100'000; ++i)
    more += R"(,{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":")" +
            Digest::of(as_bytes(std::to_string(i))).str() +
            R"(","size":1000,"annotations":{"org.opencontainers.image.ref.name":"v)" + std::to_string(i) +
            "\"}}";
  index.insert(end, more);
  sys::replace_file(place / "l/index.json", index, {.flush = Flush::none});
  CHECK(layout.references().size() == 100'001);
  CHECK(oci::Manifest::parse(layout.manifest("one").bytes).layers().size() == 2);
  CHECK(error_of([&] { layout.manifest("none"); }, "one, v0, v1") == Errc::image_unknown);
  CHECK(error_of([&] { layout.manifest("none"); }, "99981 more") == Errc::image_unknown);
  save(place / "l", "two");
  CHECK(layout.references().size() == 100'002);
  fs::resize_file(place / "l/index.json", 200U << 20U);
  CHECK(error_of([&] { layout.manifest("one"); }, "index.json") == Errc::over_budget);
}

TEST_CASE("two writers at once both get into a layout", "[oci][oci_layout]") {
  TempDir const place;
  constexpr int writers = 4;
  constexpr int rounds = 10;
  std::vector<pid_t> children;
  for (int writer = 0; writer < writers; ++writer) {
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      int code = 0;
      try {
        for (int round = 0; round < rounds; ++round)
          save(place / "l",
               "n" + std::to_string(writer) + "-" + std::to_string(round % 5) + "-" + std::to_string(round));
      } catch (...) {
        code = 1;
      }
      ::_exit(code);
    }
    children.push_back(child);
  }
  for (pid_t const child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  OciLayout layout(place / "l");
  auto const references = layout.references();
  CHECK(references.size() == writers * rounds);
  for (auto const& reference : references)
    CHECK(layout.manifest(reference).bytes == sample_image(reference).manifest.bytes);
}

TEST_CASE("a killed writer harms a layout at no moment", "[oci][oci_layout]") {
  TempDir const place;
  auto const old = save(place / "l", "old");
  auto const large = sample_image("large", 3, oci::Format::oci, 3'000'000);
  for (int delay = 0; delay < 30; ++delay) {
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      OciLayout layout(place / "l");
      put(layout, "large", large);
      layout.finish();
      ::_exit(0);
    }
    ::usleep(static_cast<useconds_t>(delay * 1000));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    OciLayout layout(place / "l");
    CHECK(layout.manifest("old").bytes == old.manifest.bytes);
    for (auto const& blob : large.blobs())  // whole or not there
      if (layout.has_blob(blob)) testing::detail::verified_bytes(layout.blob(blob), blob);
  }
  OciLayout layout(place / "l");
  put(layout, "large", large);
  layout.finish();
  testing::image_source_suite(layout, "large");
  CHECK(sys::entries_of(place / "l/blobs/sha256").size() == 4 + 5);  // and nothing else
}

TEST_CASE("a full disk or a read-only one leaves a layout as it was", "[oci][oci_layout]") {
  if (::geteuid() != 0) return;
  TempDir const place;
  fs::create_directory(place / "disk");
  auto const disk = place / "disk";
  REQUIRE(::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") == 0);
  auto const old = save(disk / "l", "old");
  auto const large = sample_image("large", 2, oci::Format::oci, 2'000'000);
  auto const index = sys::read_file(disk / "l/index.json");
  {
    OciLayout layout(disk / "l");
    CHECK(error_of([&] { put(layout, "large", large); }, disk.native()) == system(ENOSPC));
  }
  save(disk / "l", "small");  // what was written of the large one takes no space
  CHECK(OciLayout(disk / "l").manifest("old").bytes == old.manifest.bytes);
  REQUIRE(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  CHECK(error_of([&] { save(disk / "l", "more"); }, disk.native()) == system(EROFS));
  OciLayout layout(disk / "l");
  testing::image_source_suite(layout, "old");
  CHECK(::umount2(disk.c_str(), MNT_DETACH) == 0);
}

}  // namespace oci_layout_tests

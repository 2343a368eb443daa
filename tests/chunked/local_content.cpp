#include <strata/chunked/local_content.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "chunked/chunked_tools.hpp"
#include "store/stores.hpp"
#include <memory>
#include <string>
#include <sys/stat.h>

using namespace strata;

TEST_CASE("local_content: only regular files of sufficient size are opened", "[store][local_content]") {
  testing::TempDir dir;
  sys::replace_file(dir / "outside", "0123456789");
  sys::make_directories(dir / "tree/d", 0755);
  sys::replace_file(dir / "tree/d/file", "0123456789");
  fs::create_symlink("../../outside", dir / "tree/d/link");
  fs::create_directory_symlink("/d", dir / "tree/within");
  REQUIRE(::mkfifo((dir / "tree/d/fifo").c_str(), 0600) == 0);
  auto const digest = [&](std::string const& path, std::uint64_t offset, std::uint64_t size) {
    auto const found =
        digest_of_place({.tree = dir / "tree", .path = path, .offset = offset, .size = size}, {});
    return found ? found->str() : std::string();
  };
  CHECK(digest("d/file", 0, 10) == chunked_tools::digest("0123456789"));
  CHECK(digest("d/file", 3, 4) == chunked_tools::digest("3456"));
  CHECK(digest("within/file", 9, 1) == chunked_tools::digest("9"));
  CHECK(digest("d/file", 0, 11).empty());
  CHECK(digest("d/file", 11, 0).empty());
  CHECK(digest("d/file", 1, UINT64_MAX).empty());
  for (auto const* path : {"d/link", "d/fifo", "d", "missing", ""}) CHECK(digest(path, 0, 1).empty());
}

TEST_CASE("local_content: only places with wanted digests are kept", "[store][local_content]") {
  stores::Fixture<stores::Vfs> fixture;
  auto layer = fixture.store.layers().create({.id = "layer"});
  std::string const digest_a = chunked_tools::digest("a"), digest_b = chunked_tools::digest("b");
  layer.big_data().set(
      std::string(chunked_manifest_key),
      R"({"version":1,"entries":[{"type":"reg","name":"../f","size":3,"digest":")" + digest_a +
          R"(","offset":9,"endOffset":20,"chunkSize":1,"chunkDigest":"x"},{"type":"chunk","name":"f","offset":12,)"
          R"("chunkSize":2,"chunkOffset":1,"chunkDigest":")" +
          digest_b + R"("}]})");
  LocalContent content;
  content.want_file(digest_a);
  content.want_file("never seen");
  content.want_chunk(digest_b);
  CHECK(content.file(digest_a).empty());
  auto const core = std::make_shared<stores::Vfs::Core>(fixture.options());
  content.search(*core, {});
  auto const file = content.file(digest_a);
  REQUIRE(file.size() == 1);
  CHECK(file[0].tree == fixture.graph() / "vfs/dir/layer");
  CHECK(file[0].path == "f");
  CHECK(file[0].size == 3);
  auto const chunk = content.chunk(digest_b);
  REQUIRE(chunk.size() == 1);
  CHECK(chunk[0].offset == 1);
  CHECK(chunk[0].size == 2);
  for (auto const* other : {"never seen", "x"}) CHECK(content.file(other).empty());
  for (auto const* other : {"x", digest_a.c_str()}) CHECK(content.chunk(other).empty());
}

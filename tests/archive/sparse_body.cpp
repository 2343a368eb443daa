#include <strata/archive/sparse_body.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/sys/fd.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <fcntl.h>
#include <string>
#include <sys/stat.h>

using namespace strata;
using archive::TarHeader;
using archive::TarReader;

namespace {

constexpr auto formats = {"--format=gnu", "--format=pax --sparse-version=0.0",
                          "--format=pax --sparse-version=0.1", "--format=pax --sparse-version=1.0"};

/// Makes `files` with holes in the front, the middle and at the end, or nothing else.
void make_files(tar_tools::Directory const& dir) {
  dir.run("truncate -s 3M holes; truncate -s 5M mixed; printf abc >plain");
  dir.run(
      "for at in 0 70000 1048576 3000001 4000000; do printf 'data at %s' $at | "
      "dd of=mixed bs=1 seek=$at conv=notrunc status=none; done");
  dir.run("truncate -s 2M ends; printf end >>ends");
}

}  // namespace

TEST_CASE("files with holes come out as they went into GNU tar, holes included", "[archive][sparse_body]") {
  tar_tools::Directory dir;
  make_files(dir);
  for (auto const* format : formats) {
    INFO(format);
    dir.run(std::string("rm -rf out; mkdir out; tar -S ") + format + " -cf s.tar holes mixed plain ends");
    auto const tar = dir.get("s.tar");
    REQUIRE(tar.size() < 200'000);
    for (std::size_t const chunk : {777U, 65536U}) {
      tar_tools::Chunks in(tar, chunk);
      TarReader reader(in);
      for (TarHeader header; reader.next(header);) {
        auto const path = dir.path / "out" / header.name;
        sys::Fd const file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        REQUIRE(file);
        archive::write_contents(file.get(), reader, header.name);
        struct stat status {};
        REQUIRE(::fstat(file.get(), &status) == 0);
        CHECK(status.st_size == header.size);
        CHECK(header.sparse == (header.name != "plain"));
        CHECK(status.st_blocks * 512 < 200'000);
      }
      dir.run("for f in holes mixed plain ends; do cmp $f out/$f || exit 1; done");
    }
  }
}

TEST_CASE("who does not ask for holes gets zeros, and may stop anywhere", "[archive][sparse_body]") {
  tar_tools::Directory dir;
  make_files(dir);
  for (auto const* format : formats) {
    INFO(format);
    dir.run(std::string("tar -S ") + format + " -cf s.tar holes mixed plain ends");
    auto const tar = dir.get("s.tar");
    auto const entries = tar_tools::read_tar(tar, 1000);
    REQUIRE(entries.size() == 4);
    for (auto const& entry : entries) CHECK(entry.content == dir.get(entry.header.name));
    for (std::size_t parts = 0; parts < 30; parts += 7) {
      tar_tools::Chunks in(tar, 1000);
      TarReader reader(in);
      std::size_t n = 0;
      for (TarHeader header; reader.next(header); ++n)
        for (std::size_t i = 0; i < parts; ++i) static_cast<void>(i % 2 == 0 ? reader.next() : Bytes{});
      CHECK(n == 4);
    }
  }
}

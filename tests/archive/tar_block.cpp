#include <strata/archive/tar_block.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <string>

using namespace strata;
using archive::FileTime;
using archive::read_tar_block;
using archive::TarHeader;
using tar_tools::code_of;
using tar_tools::raw_header;

TEST_CASE("what one header says does not stay for the next", "[archive][tar_block]") {
  TarHeader header{.name = "x",
                   .link_name = "x",
                   .atime = FileTime{},
                   .ctime = FileTime{},
                   .user_name = "x",
                   .group_name = "x",
                   .dev_major = 1,
                   .dev_minor = 1,
                   .xattrs = {{"user.a", "x"}},
                   .sparse = true};
  auto const block = raw_header("f", '0');
  CHECK(read_tar_block(as_bytes(block), header) == '0');
  CHECK(header == TarHeader{.name = "f", .mode = 0644});
}

TEST_CASE("GNU's format is known by its magic", "[archive][tar_block]") {
  auto block = raw_header("f", 'S');
  CHECK_FALSE(archive::is_gnu_block(as_bytes(block)));
  block.replace(257, 8, std::string("ustar  \0", 8));
  CHECK(archive::is_gnu_block(as_bytes(block)));
}

TEST_CASE("a header whose checksum is wrong, or whose size is negative, is damaged", "[archive][tar_block]") {
  auto block = raw_header("f", '0');
  TarHeader header;
  block[0] = 'g';
  CHECK(code_of([&] { read_tar_block(as_bytes(block), header); }) == Errc::corrupt_archive);
  block.replace(124, 12, 12, '\xff');
  tar_tools::seal(block);
  CHECK(code_of([&] { read_tar_block(as_bytes(block), header); }) == Errc::corrupt_archive);
}

#include <strata/archive/tar_reader.hpp>
#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/tree_source.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace strata;

TEST_CASE("a directory is read as an archive of what is in it", "[archive][tree_source]") {
  testing::TempDir dir;
  sys::make_directories(dir / "a", 0750);
  std::string const big(3'000'000, 'b');  // more than a block of the ring
  sys::replace_file(dir / "a/big", big);
  fs::create_symlink("a/big", dir / "link");

  Source source = archive::TreeSource(dir.path());
  archive::TarReader tar(source);
  archive::TarHeader header;
  std::vector<std::string> names;
  std::string contents;
  while (tar.next(header)) {
    names.push_back(header.name);
    for (auto part = tar.next(); !part.empty(); part = tar.next()) contents += as_text(part);
  }
  CHECK(names == std::vector<std::string>{"a/", "a/big", "link"});
  CHECK(contents == big);
}

TEST_CASE("who stops reading an archive of a directory does not wait for it", "[archive][tree_source]") {
  testing::TempDir dir;
  sys::replace_file(dir / "big", std::string(20'000'000, 'b'));
  Source source = archive::TreeSource(dir.path());
  CHECK(!source.next().empty());
}

TEST_CASE("a directory that is not there is an error", "[archive][tree_source]") {
  testing::TempDir dir;
  Source source = archive::TreeSource(dir / "missing");
  try {
    source.next();
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::no_such_file_or_directory);
  }
}

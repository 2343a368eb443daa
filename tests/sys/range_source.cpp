#include <strata/sys/file.hpp>
#include <strata/sys/range_source.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>

using namespace strata;

namespace {

std::string rest_of(Source& in) {
  std::string text;
  for (auto part = in.next(); !part.empty(); part = in.next()) text += as_text(part);
  return text;
}

}  // namespace

TEST_CASE("sources of parts of one file are independent of each other", "[sys][range_source]") {
  testing::TempDir const directory;
  std::string bytes;
  for (int i = 0; i < 200'000; ++i) bytes += std::to_string(i) + ' ';
  sys::replace_file(directory / "file", bytes);
  auto const open = [&] {
    return std::make_shared<sys::Fd const>(sys::open_at(AT_FDCWD, directory / "file", O_RDONLY));
  };
  auto const file = open();
  auto one = range_source(file, {5, 900'000}, "file");
  auto two = range_source(open(), {bytes.size() - 10, 10}, "file");  // the source is the only owner
  auto none = range_source(file, {3, 0}, "file");
  CHECK(one.size() == 900'000);
  std::string start(7, '\0');
  CHECK(one.fill(std::as_writable_bytes(std::span(start))) == 7);
  CHECK(start == bytes.substr(5, 7));
  CHECK(one.size() == 899'993);
  CHECK(rest_of(two) == bytes.substr(bytes.size() - 10));
  CHECK(rest_of(one) == bytes.substr(12, 899'993));
  CHECK(rest_of(none).empty());
}

TEST_CASE("a file that ends within the range of a source is an error", "[sys][range_source]") {
  testing::TempDir const directory;
  sys::replace_file(directory / "file", "12345");
  auto const file = std::make_shared<sys::Fd const>(sys::open_at(AT_FDCWD, directory / "file", O_RDONLY));
  auto in = range_source(file, {2, 4}, directory / "file");
  CHECK(as_text(in.next()) == "345");
  try {
    in.next();
    FAIL("read behind the end");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::corrupt_archive);
    CHECK(error.path() == (directory / "file").native());
  }
}

#include <strata/sys/copy_file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace copy_file_tests {

using strata::sys::Fd;

/// What a copy of a file is, and the parts that it was told of.
struct Copied {
  std::string bytes;
  struct stat status {};
  std::vector<std::size_t> parts = {};

  std::size_t told() const {
    std::size_t sum = 0;
    for (auto const part : parts) sum += part;
    return sum;
  }
};

Copied copy(strata::sys::FileCopier& copier, std::string const& from, std::string const& to,
            off_t size_told = -1) {
  Fd const in = strata::sys::open_at(AT_FDCWD, from, O_RDONLY);
  Fd const out = strata::sys::open_at(AT_FDCWD, to, O_RDWR | O_CREAT | O_TRUNC, 0600);
  struct stat status {};
  REQUIRE(::fstat(in.get(), &status) == 0);
  if (size_told >= 0) status.st_size = size_told;
  Copied copied;
  copier.copy(in.get(), out.get(), status, from, [&](std::size_t n) { copied.parts.push_back(n); });
  copied.bytes = strata::sys::read_file(to);
  REQUIRE(::fstat(out.get(), &copied.status) == 0);
  return copied;
}

void write(std::string const& path, std::string const& text) {
  strata::sys::replace_file(path, text, {.flush = strata::Flush::none});
}

}  // namespace copy_file_tests

using copy_file_tests::copy;
using copy_file_tests::Fd;

TEST_CASE("a file's contents are copied, whatever their size", "[sys][copy_file]") {
  strata::testing::TempDir const dir;
  auto const from = dir.path().native() + "/from";
  strata::sys::FileCopier copier;
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{16 * 1024},
                                 std::size_t{16 * 1024 + 1}, std::size_t{300'000}, std::size_t{9} << 20}) {
    INFO(size);
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
    copy_file_tests::write(from, text);
    auto const copied = copy(copier, from, dir.path().native() + "/to");
    CHECK(copied.bytes == text);
    CHECK(copied.told() == size);
    for (auto const part : copied.parts) CHECK((part > 0 && part <= std::size_t{8} << 20));
  }
}

TEST_CASE("a copy goes on by other means where the first are not to be had", "[sys][copy_file]") {
  strata::testing::TempDir const dir("/var/tmp");
  strata::testing::TempDir const memory("/dev/shm");
  auto const from = dir.path().native() + "/from";
  std::string const text(400'000, 'x');
  copy_file_tests::write(from, text);
  strata::sys::FileCopier copier;
  // To another file system, where blocks are not shared, and again by what the copier remembers.
  CHECK(copy(copier, from, memory.path().native() + "/to").bytes == text);
  CHECK(copy(copier, memory.path().native() + "/to", dir.path().native() + "/back").bytes == text);
  CHECK(copy(copier, "/proc/self/status", dir.path().native() + "/status").bytes.empty());  // it says 0 bytes
}

TEST_CASE("a file that grew or shrank since it was looked at is copied as far as it was",
          "[sys][copy_file]") {
  strata::testing::TempDir const dir;
  auto const from = dir.path().native() + "/from";
  std::string const text(20'000, 'x');
  copy_file_tests::write(from, text);
  strata::sys::FileCopier copier;
  CHECK(copy(copier, from, dir.path().native() + "/short", 18'000).bytes.size() >= 18'000);
  auto const longer = copy(copier, from, dir.path().native() + "/long", 40'000);
  CHECK(longer.bytes.substr(0, text.size()) == text);
  CHECK(longer.told() == text.size());
}

TEST_CASE("holes at the beginning, between and at the end are holes in the copy", "[sys][copy_file]") {
  strata::testing::TempDir const dir("/dev/shm");  // which has holes, and cannot share blocks
  auto const from = dir.path().native() + "/from";
  constexpr off_t size = off_t{8} << 20;
  {
    Fd const file = strata::sys::open_at(AT_FDCWD, from, O_RDWR | O_CREAT, 0600);
    REQUIRE(::ftruncate(file.get(), size) == 0);
    REQUIRE(::pwrite(file.get(), "two", 3, size / 4) == 3);
    REQUIRE(::pwrite(file.get(), "three", 5, size / 2) == 5);
  }
  strata::sys::FileCopier copier;
  auto const copied = copy(copier, from, dir.path().native() + "/to");
  CHECK(copied.status.st_size == size);
  CHECK(copied.status.st_blocks * 512 < size / 4);
  CHECK(copied.bytes == strata::sys::read_file(from));
  CHECK(copied.told() < size / 4);
}

TEST_CASE("who is told of the parts can end a copy", "[sys][copy_file]") {
  strata::testing::TempDir const dir("/dev/shm");
  auto const from = dir.path().native() + "/from";
  copy_file_tests::write(from, std::string(1'000'000, 'x'));
  Fd const in = strata::sys::open_at(AT_FDCWD, from, O_RDONLY);
  Fd const out = strata::sys::open_at(AT_FDCWD, dir.path().native() + "/to", O_RDWR | O_CREAT, 0600);
  struct stat status {};
  REQUIRE(::fstat(in.get(), &status) == 0);
  strata::sys::FileCopier copier;
  CHECK_THROWS_AS(copier.copy(in.get(), out.get(), status, from, [](std::size_t) { throw 7; }), int);
}

TEST_CASE("a copy says which file could not be read or written", "[sys][copy_file]") {
  strata::testing::TempDir const dir;
  auto const from = dir.path().native() + "/from";
  copy_file_tests::write(from, "text");
  struct stat status {};
  REQUIRE(::stat(from.c_str(), &status) == 0);
  Fd const read_only = strata::sys::open_at(AT_FDCWD, from, O_RDONLY);
  Fd const write_only = strata::sys::open_at(AT_FDCWD, dir.path().native() + "/to", O_WRONLY | O_CREAT, 0600);
  strata::sys::FileCopier copier;
  auto const subject = [&](Fd const& in, Fd const& out) {
    try {
      copier.copy(in.get(), out.get(), status, "the-name", [](std::size_t) {});
    } catch (strata::Error const& error) {
      return error.subject();
    }
    return std::string("no error");
  };
  CHECK(subject(write_only, write_only) == "read the-name");
  CHECK(subject(read_only, read_only) == "write the-name");
}

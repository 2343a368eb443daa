#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_at.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <string>
#include <system_error>
#include <unistd.h>

namespace file_at_tests {  // several files of tests are compiled as one
namespace {

using namespace strata;

std::string read(int fd, std::size_t size, std::uint64_t offset) {
  std::string to(size, '-');
  to.resize(sys::read_at(fd, std::as_writable_bytes(std::span(to)), offset, "file"));
  return to;
}

}  // namespace

TEST_CASE("bytes are read and written at their positions, and the descriptor's stays", "[sys]") {
  testing::TempDir const dir;
  auto const fd = sys::open_at(AT_FDCWD, dir / "file", O_RDWR | O_CREAT, 0600);
  sys::write_at(fd.get(), as_bytes("world"), 6, "file");
  sys::write_at(fd.get(), as_bytes("hello"), 0, "file");
  CHECK(::lseek(fd.get(), 0, SEEK_CUR) == 0);
  CHECK(sys::read_file(dir / "file") == std::string("hello\0world", 11));
  CHECK(read(fd.get(), 5, 6) == "world");
  CHECK(read(fd.get(), 100, 6) == "world");  // as far as the file reaches
  CHECK(read(fd.get(), 5, 11).empty());
  CHECK(read(fd.get(), 0, 0).empty());
  sys::set_length(fd.get(), 2, "file");
  CHECK(sys::read_file(dir / "file") == "he");
  sys::set_length(fd.get(), 3, "file");
  CHECK(sys::read_file(dir / "file") == std::string("he\0", 3));
  sys::drop_cached(fd.get());
  CHECK(read(fd.get(), 2, 0) == "he");
}

TEST_CASE("what cannot be read, written or cut at a position is named", "[sys]") {
  testing::TempDir const dir;
  auto const file = sys::open_at(AT_FDCWD, dir / "file", O_RDONLY | O_CREAT, 0600);
  auto const place = sys::open_at(AT_FDCWD, dir.path(), O_RDONLY);
  auto const subject = [](auto&& call) {
    try {
      call();
      return std::string();
    } catch (Error const& error) {
      return error.subject() + ": " + error.code().message();
    }
  };
  auto const text = [](int code) { return std::system_category().message(code); };
  CHECK(subject([&] { read(place.get(), 1, 0); }) == "read file: " + text(EISDIR));
  CHECK(subject([&] { sys::write_at(file.get(), as_bytes("x"), 0, "f"); }) == "write f: " + text(EBADF));
  CHECK(subject([&] { sys::set_length(file.get(), 0, "f"); }) == "truncate f: " + text(EINVAL));
}

}  // namespace file_at_tests

#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <sys/stat.h>
#include <thread>

using namespace strata;

namespace {
std::string drain(Source source) {
  std::string text;
  for (Bytes part = source.next(); !part.empty(); part = source.next()) text += as_text(part);
  CHECK(source.next().empty());
  return text;
}
}  // namespace

TEST_CASE("sources give all bytes, then nothing ever after", "[sys][stream]") {
  testing::TempDir dir;
  std::string const text(700'000, 's');
  {
    Sink sink = file_sink(dir / "file");
    sink.write(as_bytes(text).first(100));
    sink.write(as_bytes(text).subspan(100));
  }
  CHECK(drain(file_source(dir / "file")) == text);
  CHECK(drain(memory_source(text)) == text);
  CHECK(drain(memory_source("")).empty());
  sys::Fd owned = sys::open_at(AT_FDCWD, dir / "file", O_RDONLY);
  CHECK(drain(fd_source(owned.get())) == text);
  CHECK(::lseek(owned.get(), 1, SEEK_SET) == 1);
  CHECK(drain(fd_source(std::move(owned))) == text.substr(1));
  CHECK(drain(stored_source(dir / "file")) == text);
  CHECK_THROWS_AS(file_source(dir / "none"), Error);
  CHECK_THROWS_AS(stored_source(dir / "none"), Error);
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(stored_source(dir / "pipe"), Error);  // not waited for
  CHECK_THROWS_AS(file_sink(dir / "none/file"), Error);
}

TEST_CASE("sources fill the caller's buffer, mixed with next", "[sys][stream]") {
  testing::TempDir dir;
  sys::replace_file(dir / "file", "0123456789");
  for (auto* make : {+[](fs::path const& path) { return file_source(path); },
                     +[](fs::path const& path) { return memory_source(sys::read_file(path)); }}) {
    Source source = make(dir / "file");
    std::array<std::byte, 4> part;
    CHECK(source.fill({}) == 0);
    REQUIRE(source.fill(part) == 4);
    CHECK(as_text(part) == "0123");
    Source moved = std::move(source);
    CHECK(as_text(moved.next()) == "456789");
    CHECK(moved.fill(part) == 0);
    CHECK(moved.next().empty());
  }
}

TEST_CASE("a short string stays where it is when its source is moved", "[sys][stream]") {
  Source source = memory_source("short");
  Bytes const part = source.next();
  Source const moved = std::move(source);
  CHECK(as_text(part) == "short");
}

TEST_CASE("sinks write to descriptors and strings", "[sys][stream]") {
  std::string text = "kept ";
  string_sink(text).write(as_bytes("added"));
  CHECK(text == "kept added");
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  sys::Fd const out(ends[0]);
  sys::Fd in(ends[1]);
  std::jthread writer([&] {
    fd_sink(in.get()).write(as_bytes(std::string(300'000, 'w')));
    in.reset();
  });
  CHECK(drain(fd_source(out.get())) == std::string(300'000, 'w'));
}

TEST_CASE("a stream's errors name it", "[sys][stream]") {
  try {
    file_sink("/dev/full").write(as_bytes("x"));
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::no_space_on_device);
    CHECK(error.subject() == "write /dev/full");
  }
  try {
    fd_source(-1).next();
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.subject() == "read descriptor -1");
  }
}

#include <strata/fs.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/log.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <csignal>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <vector>

namespace {

using namespace strata;
using serializers::Journal;

bool flush_fails = false;

std::vector<std::string> change(std::string const& id) {
  LayerRecord record;
  record.id = id;
  return {Journal::encode_put("layers", record)};
}

struct View {
  explicit View(fs::path const& root) : log(root, "vfs") {}
  Log<Journal> log;
  Log<Journal>::Position position = {};
  std::string ids = {};
  int restarts = 0;

  std::string const& read() {
    position = log.read(
        position,
        [&] {
          ids.clear();
          ++restarts;
        },
        [&](LogChange const& c) { ids += std::string(c.id) + (c.record.empty() ? "- " : " "); });
    return ids;
  }
};

std::error_code code_of(auto&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

}  // namespace

// Stands before libc's, so that a test can have a device that loses what it was given.
extern "C" int fdatasync(int fd) {
  if (!flush_fails) return static_cast<int>(::syscall(SYS_fdatasync, fd));
  errno = EIO;
  return -1;
}

TEST_CASE("a piece of a frame at the end is cut off by the next writer, at whatever byte it ended",
          "[item][log]") {
  testing::TempDir const dir;
  auto const path = dir / "strata.journal";
  {
    Log<Journal> log(dir.path(), "vfs");
    log.append(change("a"), Flush::none);
    log.append(change("lost"), Flush::none);
  }
  auto const whole = sys::read_file(path);
  auto const first_end = whole.rfind("frame ");
  for (std::size_t size = first_end; size < whole.size(); ++size) {
    sys::replace_file(path, whole.substr(0, size), {.flush = Flush::none});
    View reader(dir.path());
    CHECK(reader.read() == "a ");
    View writer(dir.path());
    writer.log.append(change("b"), Flush::none);
    CHECK(reader.read() == "a b ");
    CHECK(View(dir.path()).read() == "a b ");
  }
}

TEST_CASE("damage before whole frames is an error, and nothing is cut off", "[item][log]") {
  testing::TempDir const dir;
  auto const path = dir / "strata.journal";
  {
    Log<Journal> log(dir.path(), "vfs");
    for (auto const* id : {"a", "b", "c"}) log.append(change(id), Flush::none);
  }
  auto bytes = sys::read_file(path);
  bytes[bytes.find("\"b\"") + 1] = 'x';
  sys::replace_file(path, bytes);
  View view(dir.path());
  CHECK(code_of([&] { view.read(); }) == Errc::corrupt_record);
  CHECK(code_of([&] { view.log.append(change("d"), Flush::none); }) == Errc::corrupt_record);
  CHECK(sys::read_file(path) == bytes);
}

TEST_CASE("a log of another driver, or no log at all, is refused by name", "[item][log]") {
  testing::TempDir const dir;
  Log<Journal>(dir.path(), "overlay").append(change("a"), Flush::none);
  View view(dir.path());
  CHECK(code_of([&] { view.read(); }) == Errc::store_mismatch);
  CHECK(code_of([&] { view.log.append(change("b"), Flush::none); }) == Errc::store_mismatch);
  sys::replace_file(dir / "strata.journal", "something else\n");
  try {
    view.read();
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == Errc::corrupt_record);
    CHECK(error.subject().starts_with((dir / "strata.journal").native()));
  }
}

TEST_CASE("a write that the disk has no room for leaves the log as it was", "[item][log]") {
  testing::TempDir const dir;
  View view(dir.path());
  view.log.append(change("a"), Flush::none);
  auto const before = sys::read_file(dir / "strata.journal");
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  auto const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = old;
  small.rlim_cur = before.size() + 10;
  ::setrlimit(RLIMIT_FSIZE, &small);
  auto const code = code_of([&] { view.log.append(change("b"), Flush::none); });
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, handler);
  CHECK(code.value() == EFBIG);
  CHECK(sys::read_file(dir / "strata.journal") == before);
  view.log.append(change("c"), Flush::none);
  CHECK(view.read() == "a c ");
}

TEST_CASE("a failed flush fails the call for everyone, and the next append trusts nothing", "[item][log]") {
  testing::TempDir const dir;
  View view(dir.path());
  View other(dir.path());
  view.log.append(change("a"), Flush::full);
  CHECK(view.read() == "a ");
  auto const before = sys::FileState::of(dir / "strata.journal");
  auto const handle =
      sys::open_at(AT_FDCWD, dir / "strata.journal", O_RDONLY);  // keeps the inode from being used again

  flush_fails = true;
  CHECK(code_of([&] { view.log.append(change("b"), Flush::full); }).value() == EIO);
  CHECK(code_of([&] { view.log.append(change("b"), Flush::full); }).value() == EIO);
  flush_fails = false;

  int const restarts = view.restarts;
  CHECK(view.read() == "a ");
  CHECK(view.restarts == restarts + 1);
  CHECK(other.read() == "a ");
  view.log.append(change("c"), Flush::full);
  CHECK_FALSE(sys::FileState::of(dir / "strata.journal").same_file(before));
  CHECK(view.read() == "a c ");
  CHECK(other.read() == "a c ");
}

TEST_CASE("a compacted log says the same in the same order, and is noticed", "[item][log]") {
  testing::TempDir const dir;
  View view(dir.path());
  View other(dir.path());
  LayerRecord big;
  big.metadata = std::string(100'000, 'm');
  for (int i = 0; i < 60; ++i) {
    big.id = std::string(1, static_cast<char>('a' + i % 3));
    std::vector<std::string> const changes = {Journal::encode_put("layers", big)};
    view.log.append(changes, Flush::none);
    if (i == 10) other.read();
  }
  std::vector<std::string> const gone = {Journal::encode_erase("layers", "b"),
                                         Journal::encode_erase("images", "a")};
  view.log.append(gone, Flush::none);
  CHECK(sys::FileState::of(dir / "strata.journal").size < 4'300'000);
  auto const text = view.read();
  CHECK(text.starts_with("a b c "));
  CHECK(text.ends_with("b- a- "));
  CHECK(other.read() == text);
  CHECK(other.restarts >= 2);
}

TEST_CASE("a log that was removed is an empty one", "[item][log]") {
  testing::TempDir const dir;
  View view(dir.path());
  view.log.append(change("a"), Flush::none);
  CHECK(view.read() == "a ");
  fs::remove(dir / "strata.journal");
  CHECK(view.read().empty());
  view.log.append(change("b"), Flush::none);
  CHECK(view.read() == "b ");
}

TEST_CASE("a store for reading makes no file", "[item][log]") {
  testing::TempDir const dir;
  Log<Journal> log(dir.path(), "vfs", ReadOnly{});
  log.read(
      {}, [] {}, [](LogChange const&) {});
  CHECK(fs::is_empty(dir.path()));
  CHECK(code_of([&] { log.append(change("a"), Flush::none); }) == Errc::store_read_only);
}

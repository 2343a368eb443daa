#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>
#include <strata/tree/tree_entry.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cstring>
#include <fcntl.h>
#include <stop_token>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace strata::archive;

namespace {

std::string drain(strata::Reader& reader) {
  std::string all;
  for (auto part = reader.next(); !part.empty(); part = reader.next()) all += strata::as_text(part);
  return all;
}

struct Fixture {
  strata::testing::TempDir place = {};
  std::string tar = {};
  strata::Sink sink = strata::string_sink(tar);
  TarWriter writer{sink};
  strata::sys::Fd root = strata::sys::open_at(AT_FDCWD, place.path(), O_PATH | O_DIRECTORY);
  strata::Control control = {};
  TreeEntryWriter entries{root.get(), writer, control};

  strata::testing::Snapshot read() {
    writer.finish();
    return strata::testing::read_archive(tar);
  }
};

}  // namespace

TEST_CASE("a file that changes while it is read fills exactly its size", "[archive][tree_entry]") {
  strata::testing::TempDir const place;
  fs::ofstream(place / "f") << "12345";
  auto const fd = strata::sys::open_at(AT_FDCWD, place / "f", O_RDONLY);
  FixedSizeFile shrunk(fd.get(), 8);
  CHECK(drain(shrunk) == std::string("12345\0\0\0", 8));
  REQUIRE(::lseek(fd.get(), 0, SEEK_SET) == 0);
  FixedSizeFile grown(fd.get(), 3);
  CHECK(drain(grown) == "123");
  FixedSizeFile none(fd.get(), 0);
  CHECK(none.next().empty());
  FixedSizeFile large(fd.get(), 1'000'000);
  CHECK(drain(large).size() == 1'000'000);
}

TEST_CASE("entries of a tree: what is gone and sockets are left out", "[archive][tree_entry]") {
  Fixture f;
  fs::ofstream(f.place / "file") << "text";
  fs::create_directory(f.place / "d");
  fs::create_symlink(std::string(300, 't'), f.place / "link");
  REQUIRE(::mkfifo((f.place / "fifo").c_str(), 0600) == 0);
  strata::sys::Fd const socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, (f.place / "socket").c_str(), sizeof address.sun_path - 1);
  REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
  for (auto const* name : {"file", "d", "link", "fifo"}) CHECK(f.entries.add(name));
  for (auto const* name : {"socket", "none", "file/below"}) CHECK_FALSE(f.entries.add(name));
  f.entries.add_whiteout("d/gone");
  auto const found = f.read();
  CHECK(strata::testing::names_of(found) == "d d/.wh.gone fifo file link ");
  CHECK(found.at("d").header.name == "d/");
  CHECK(found.at("link").header.link_name == std::string(300, 't'));
  CHECK(found.at("file").bytes == "text");
}

TEST_CASE("a path that became a link is not followed out of the tree", "[archive][tree_entry]") {
  Fixture f;
  fs::create_symlink("/etc", f.place / "d");
  CHECK_FALSE(f.entries.add("d/passwd"));
  CHECK_FALSE(f.entries.add("../outside"));
}

TEST_CASE("writing entries stops when the caller asks", "[archive][tree_entry]") {
  Fixture f;
  std::stop_source stop;
  f.control.stop = stop.get_token();
  stop.request_stop();
  CHECK(strata::testing::code_of([&] { f.entries.add("x"); }) == strata::Errc::stopped);
}

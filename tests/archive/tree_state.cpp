#include <strata/archive/tree_state.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <fstream>
#include <string>
#include <sys/stat.h>

using namespace strata;
using archive::EntryType;
using archive::TarHeader;

namespace {

TarHeader entry(std::string name, EntryType type, std::int64_t size = 0, std::uint32_t mode = 0644) {
  TarHeader header{.name = std::move(name), .type = type, .mode = mode};
  header.size = size;
  header.mtime.seconds = 1'600'000'000;
  header.uid = ::geteuid();
  header.gid = ::getegid();
  return header;
}

auto const same_owners = [](std::int64_t uid, std::int64_t gid) { return std::pair(uid, gid); };

std::string joined(std::vector<std::string> const& lines) {
  std::string out;
  for (auto const& line : lines) out += line + '\n';
  return out;
}

struct Tree {
  testing::TempDir directory;
  std::filesystem::path const& path() const { return directory.path(); }
  void file(std::string const& name, std::string const& text, unsigned mode = 0644) const {
    std::filesystem::create_directories((path() / name).parent_path());
    std::ofstream(path() / name) << text;
    ::chmod((path() / name).c_str(), mode);
    timespec const times[2] = {{1'600'000'000, 0}, {1'600'000'000, 0}};
    ::utimensat(AT_FDCWD, (path() / name).c_str(), times, 0);
  }
  archive::TreeState state() const {
    archive::TreeState state;
    state.add_directory(path(), true, same_owners);
    return state;
  }
};

}  // namespace

TEST_CASE("a tree that is as in its archives shows no difference", "[archive][tree_state]") {
  Tree tree;
  tree.file("a/b/c", "123");
  tree.file("kept", "");
  archive::TreeState wanted;
  wanted.add_archive({entry("./", EntryType::directory, 0, 0700), entry("gone", EntryType::regular, 7),
                      entry("d/", EntryType::directory), entry("d/x", EntryType::regular, 1),
                      entry("kept", EntryType::regular)});
  wanted.add_archive({entry("a/b/c", EntryType::regular, 3), entry(".wh.gone", EntryType::regular),
                      entry(".wh.d", EntryType::regular)});
  CHECK(joined(wanted.differences(tree.state(), {})) == "");
}

TEST_CASE("differences are written as containers/storage writes them", "[archive][tree_state]") {
  Tree tree;
  tree.file("d/mode", "1", 0600);
  tree.file("d/size", "22");
  tree.file("new", "");
  tree.file("newdir/a", "");
  archive::TreeState wanted;
  wanted.add_archive({entry("d/mode", EntryType::regular, 1), entry("d/size", EntryType::regular, 1),
                      entry("lost", EntryType::regular), entry("lostdir/", EntryType::directory),
                      entry("lostdir/a", EntryType::regular), entry("d/type", EntryType::symlink)});
  tree.file("d/type", "");
  CHECK(joined(wanted.differences(tree.state(), {})) ==
        "+/d/mode(mode:0644￫0600)\n/d/mode(mode:0644￫0600)\n"
        "+/d/size(size:1￫2)\n/d/size(size:1￫2)\n"
        "+/d/type(filetype:2￫0)\n/d/type(filetype:2￫0)\n"
        "-/lost\n-/lostdir/\n+/new\n+/newdir/\n");
  CHECK(joined(wanted.differences(tree.state(), {.modes = false})).find("mode:") == std::string::npos);
}

TEST_CASE("overlay's signs hide what is below", "[archive][tree_state]") {
  if (::geteuid() != 0) return;  // only root makes devices
  Tree lower;
  lower.file("d/a", "");
  lower.file("e/b", "");
  lower.file("f", "");
  Tree upper;
  upper.file("d/new", "");
  REQUIRE(::mknod((upper.path() / "f").c_str(), S_IFCHR, 0) == 0);
  REQUIRE(::mknod((upper.path() / "e").c_str(), S_IFCHR, 0) == 0);
  sys::set_xattr(upper.path() / "d", "trusted.overlay.opaque", "y");
  auto merged = lower.state();
  merged.add_directory(upper.path(), false, same_owners);
  CHECK(joined(upper.state().differences(merged, {.owners = false})) == "-/e\n-/f\n");
}

TEST_CASE("times that no file can have are no difference", "[archive][tree_state]") {
  Tree tree;
  tree.file("f", "1");
  std::int64_t const last = 0x37fffffff;  // of ext4
  auto const differs = [&](std::int64_t wanted, std::int64_t is) {
    timespec const times[2] = {{is, 0}, {is, 0}};
    REQUIRE(::utimensat(AT_FDCWD, (tree.path() / "f").c_str(), times, 0) == 0);
    auto header = entry("f", EntryType::regular, 1);
    header.mtime.seconds = wanted;
    archive::TreeState state;
    state.add_archive({header});
    return !state.differences(tree.state(), {}).empty();
  };
  CHECK_FALSE(differs(-6, 0));
  CHECK_FALSE(differs(-6, -6));
  CHECK_FALSE(differs(std::int64_t{1} << 40, last));
  CHECK(differs(-6, 1));
  CHECK(differs(-6, -7));
  CHECK(differs(last - 1, last));
  CHECK(differs(5, 0));
  CHECK(differs(std::int64_t{1} << 40, 1'600'000'000));
}

#include <strata/fs.hpp>
#include <strata/sys/blocks.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <fcntl.h>
#include <map>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace strata;

namespace {

std::map<std::string, std::uint64_t> blocks_of(fs::path const& top) {
  std::map<std::string, std::uint64_t> found;
  sys::walk_blocks(top, [&](fs::path const& path, std::uint64_t bytes) {
    CHECK(found.emplace(path.lexically_relative(top).native(), bytes).second);
  });
  return found;
}

}  // namespace

TEST_CASE("blocks are counted as du does: directories too, a file with two names once", "[sys][blocks]") {
  testing::TempDir const dir;
  sys::make_directories(dir / "top/a", 0700);
  sys::replace_file(dir / "top/a/file", std::string(10'000, 'x'));
  fs::create_hard_link(dir / "top/a/file", dir / "top/b");
  fs::create_symlink("/etc", dir / "top/link");
  auto const found = blocks_of(dir / "top");
  std::vector<std::string> names;
  for (auto const& [name, bytes] : found) names.push_back(name);
  CHECK(names == std::vector<std::string>{".", "a", "a/file", "link"});
  struct stat status {};
  REQUIRE(::stat((dir / "top/a/file").c_str(), &status) == 0);
  CHECK(found.at("a/file") == static_cast<std::uint64_t>(status.st_blocks) * 512);
  CHECK(found.at("a/file") >= 10'000);
  CHECK(blocks_of(dir / "top/a/file").size() == 1);
  CHECK(blocks_of(dir / "missing").empty());
}

TEST_CASE("a tree is counted whose paths are longer than the kernel takes at once", "[sys][blocks]") {
  testing::TempDir const dir;
  std::string const name(200, 'd');
  constexpr std::size_t depth = 90;
  sys::Fd at = sys::open_at(AT_FDCWD, dir.path(), O_RDONLY | O_DIRECTORY);
  for (std::size_t i = 0; i < depth; ++i) {
    REQUIRE(::mkdirat(at.get(), name.c_str(), 0700) == 0);
    at = sys::open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
  }
  CHECK(blocks_of(dir.path()).size() == depth + 1);
  sys::remove_tree(dir / name);
}

TEST_CASE("a bind mount is entered, another file system is not", "[sys][blocks]") {
  testing::TempDir const dir;
  sys::make_directories(dir / "top/bound", 0700);
  sys::make_directories(dir / "top/other", 0700);
  if (::mount("none", (dir / "top/other").c_str(), "tmpfs", 0, "size=64k") != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  sys::bind_mount(dir / "top/bound", dir / "top/bound");
  sys::replace_file(dir / "top/other/x", "x");
  sys::replace_file(dir / "top/bound/file", "y");
  auto const found = blocks_of(dir / "top");
  sys::unmount(dir / "top/bound");
  sys::unmount(dir / "top/other");
  CHECK(found.size() == 3);
  CHECK(found.contains("bound/file"));
}

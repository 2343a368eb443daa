#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/project_quota.hpp>

#include <catch2/catch.hpp>

#include "loop_disk.hpp"
#include <cerrno>
#include <string>

using namespace strata;

TEST_CASE("a limit of less than a block is a limit", "[sys][quota]") {
  CHECK(sys::blocks_of_limit(0) == 0);
  CHECK(sys::blocks_of_limit(1) == 1);
  CHECK(sys::blocks_of_limit(511) == 1);
  CHECK(sys::blocks_of_limit(512) == 1);
  CHECK(sys::blocks_of_limit(1023) == 1);
  CHECK(sys::blocks_of_limit(1024) == 2);
  CHECK(sys::blocks_of_limit(~std::uint64_t{0}) == ~std::uint64_t{0} / 512);
}

TEST_CASE("what a project may have is what it gets", "[sys][quota]") {
  LoopDisk const disk("mkfs.xfs -q", "loop,prjquota");
  if (!disk.works()) {
    WARN("skipped: no XFS with project quotas in this kernel");
    return;
  }
  auto const node = disk.path() / "device";
  sys::make_device_node(node, disk.path());
  std::uint32_t project = 7;
  auto const can_write = [&](std::uint64_t limit, std::size_t size) {
    auto const tree = disk.path() / std::to_string(++project);
    fs::create_directory(tree);
    sys::limit_project(node, project, {.bytes = limit});
    sys::set_project(tree, project);
    CHECK(sys::project_of(tree) == project);
    try {
      sys::replace_file(tree / "file", std::string(size, 'x'));
      return true;
    } catch (Error const& error) {
      CHECK((error.code().value() == ENOSPC || error.code().value() == EDQUOT));
      return false;
    }
  };
  for (std::uint64_t const limit : {1U, 511U, 512U, 4096U}) {
    CAPTURE(limit);
    CHECK_FALSE(can_write(limit, 1));  // XFS wants room for more than the file
  }
  CHECK(can_write(1 << 20, 512 << 10));
  CHECK_FALSE(can_write(1 << 20, 2 << 20));
  CHECK(can_write(0, 8 << 20));
}

#include <strata/sys/file.hpp>
#include <strata/sys/share_blocks.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "loop_disk.hpp"
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <stop_token>
#include <string>

namespace share_blocks_tests {

std::optional<std::uint64_t> shared(std::string const& from, std::string const& to, std::uint64_t size,
                                    strata::Control const& control = {}) {
  auto const one = strata::sys::open_at(AT_FDCWD, from, O_RDONLY);
  auto const other = strata::sys::open_at(AT_FDCWD, to, O_RDONLY);
  return strata::sys::share_blocks(one.get(), other.get(), size, to, control);
}

}  // namespace share_blocks_tests

using share_blocks_tests::shared;

TEST_CASE("where blocks cannot be shared there is no answer", "[sys][share_blocks]") {
  strata::testing::TempDir const dir("/dev/shm");
  auto const top = dir.path().native();
  strata::sys::replace_file(top + "/a", std::string(8192, 'x'));
  strata::sys::replace_file(top + "/b", std::string(8192, 'x'));
  CHECK_FALSE(shared(top + "/a", top + "/b", 8192));
  CHECK(shared(top + "/a", top + "/b", 0) == 0U);  // nothing is asked of the kernel
}

TEST_CASE("blocks are shared up to the first difference", "[sys][share_blocks]") {
  auto const* const disk = shared_btrfs();
  if (disk == nullptr) return;
  strata::testing::TempDir const dir(disk->path().native());
  auto const top = dir.path().native();
  constexpr std::uint64_t size =
      (std::uint64_t{17} << 20U) + 5;  // more than one call's share, and no whole block
  std::string const text(size, 'x');
  auto other = text, late = text;
  other[std::size_t{1} << 20U] = 'y';
  late[size - 5] = 'y';
  strata::sys::replace_file(top + "/a", text);
  strata::sys::replace_file(top + "/same", text);
  strata::sys::replace_file(top + "/other", other);
  CHECK(shared(top + "/a", top + "/same", size) == size);
  CHECK(shared(top + "/a", top + "/same", size) == size);  // they are already
  strata::sys::replace_file(top + "/late", late);
  auto const most = shared(top + "/a", top + "/late", size);
  REQUIRE(most);
  CHECK((*most > 0 && *most <= size - 5));
  auto const begin = shared(top + "/a", top + "/other", size);
  REQUIRE(begin);
  CHECK(*begin <= std::uint64_t{1} << 20U);
  CHECK(strata::sys::read_file(top + "/same") == text);
  CHECK(strata::sys::read_file(top + "/other") == other);
}

TEST_CASE("a file of another file system shares nothing, and sharing can be stopped", "[sys][share_blocks]") {
  auto const* const disk = shared_btrfs();
  if (disk == nullptr) return;
  strata::testing::TempDir const dir(disk->path().native());
  strata::testing::TempDir const elsewhere("/dev/shm");
  auto const top = dir.path().native();
  strata::sys::replace_file(top + "/a", std::string(8192, 'x'));
  strata::sys::replace_file(elsewhere.path().native() + "/b", std::string(8192, 'x'));
  CHECK(shared(top + "/a", elsewhere.path().native() + "/b", 8192).value_or(0) == 0U);
  std::stop_source stop;
  stop.request_stop();
  try {
    shared(top + "/a", top + "/a", 8192, {.stop = stop.get_token()});
    FAIL("no error");
  } catch (strata::Error const& error) {
    CHECK(error.code() == strata::Errc::stopped);
  }
}

#include <strata/sys/file.hpp>
#include <strata/sys/ranges.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace strata;

namespace {

std::vector<std::string> read(Ranges& from, std::vector<ByteRange> const& ranges) {
  std::vector<std::string> out(ranges.size());
  from.read(ranges, [&](std::size_t index, Bytes bytes) { out.at(index) += as_text(bytes); });
  return out;
}

}  // namespace

TEST_CASE("sys: ranges of files, descriptors and memory", "[sys][ranges]") {
  testing::TempDir dir;
  std::string bytes;
  for (int i = 0; i < 100'000; ++i) bytes += std::to_string(i) + ' ';
  sys::replace_file(dir / "file", bytes);
  auto const fd = sys::open_at(AT_FDCWD, dir / "file", O_RDONLY);
  std::vector<Ranges> models;
  models.push_back(file_ranges(dir / "file"));
  models.push_back(fd_ranges(fd.get()));
  models.push_back(memory_ranges(bytes));
  for (auto& model : models) {
    CHECK(model.size() == bytes.size());
    CHECK(read(model, {{0, 3}, {100, 300'000}, {400'000, 1}, {bytes.size() - 2, 2}}) ==
          std::vector<std::string>{bytes.substr(0, 3), bytes.substr(100, 300'000), bytes.substr(400'000, 1),
                                   bytes.substr(bytes.size() - 2)});
    CHECK(read(model, {}).empty());
    for (ByteRange const behind : {ByteRange{bytes.size() - 1, 2}, ByteRange{bytes.size() + 5, 1}}) {
      try {
        read(model, {behind});
        FAIL("read behind the end");
      } catch (Error const& error) {
        CHECK(error.code() == Errc::corrupt_archive);
      }
    }
  }
  CHECK_THROWS_AS(file_ranges(dir / "missing"), std::system_error);
}

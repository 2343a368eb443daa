#include <strata/concepts/ranges.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace strata;

namespace {

/// The least that qualifies: can be moved, no more.
struct Least {
  std::unique_ptr<std::string> bytes;
  unsigned size() const { return static_cast<unsigned>(bytes->size()); }
  void read(std::span<ByteRange const> ranges, RangeBytes const& to) {
    for (std::size_t i = 0; i < ranges.size(); ++i)
      to(i, as_bytes(*bytes).subspan(ranges[i].offset, ranges[i].size));
  }
};
static_assert(RangeSource<Least> && !RangeSource<int> && !RangeSource<std::string>);
static_assert(RangeSource<Ranges> && !std::copy_constructible<Ranges>);

}  // namespace

TEST_CASE("concepts: Ranges owns any range source", "[concepts][ranges]") {
  Ranges first = Least{std::make_unique<std::string>("0123456789")};
  Ranges ranges = std::move(first);
  CHECK(ranges.size() == 10);
  std::vector<std::pair<std::size_t, std::string>> got;
  std::vector<ByteRange> const asked{{1, 2}, {7, 3}};
  ranges.read(asked, [&](std::size_t index, Bytes bytes) { got.emplace_back(index, as_text(bytes)); });
  CHECK(got == std::vector<std::pair<std::size_t, std::string>>{{0, "12"}, {1, "789"}});
  CHECK(asked[1].end() == 10);
}

#include <strata/chunked/chunked_stream.hpp>
#include <strata/error.hpp>
#include <strata/sys/ranges.hpp>

#include <catch2/catch.hpp>

#include "archive/tar_tools.hpp"
#include "chunked_tools.hpp"
#include <string>

using namespace strata;
using namespace strata::archive;

namespace {

std::string some_tar() {
  std::string tar;
  Sink to = string_sink(tar);
  TarWriter writer(to);
  Source body = memory_source("hello");
  writer.add({.name = "f", .mode = 0644, .size = 5}, &body);
  writer.finish();
  return tar;
}

template <class Call>
std::error_code failure(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

bool same(ChunkedPart const& a, ChunkedPart const& b) {
  return a.offset == b.offset && a.size == b.size && a.plain_size == b.plain_size;
}

}  // namespace

TEST_CASE("chunked_stream: positions come from annotations or the footer", "[archive][chunked_stream]") {
  auto const stream = chunked_tools::stream_of(some_tar());
  auto ranges = memory_ranges(stream.bytes);
  for (auto const& annotations : {stream.annotations, Annotations{}}) {
    auto const places = find_chunked_places(ranges, annotations);
    CHECK(same(places.toc, stream.made.manifest_at));
    REQUIRE(places.tar_split);
    CHECK(same(*places.tar_split, stream.made.tar_split_at));
    auto const tables = read_chunked_tables(ranges, places, *stream.made.toc_digest, 1 << 20);
    CHECK(tables.toc == stream.made.manifest);
    CHECK(chunked_tools::all_of(codec::Zstd::decompress(memory_source(tables.tar_split))) ==
          chunked_tools::tar_split_of(some_tar()));
  }
}

TEST_CASE("chunked_stream: invalid positions are refused", "[archive][chunked_stream]") {
  auto const stream = chunked_tools::stream_of(some_tar());
  auto ranges = memory_ranges(stream.bytes);
  std::string const toc(toc_position_annotation), split(tar_split_position_annotation);
  for (auto const* text : {"", "1", "1:2:3", "1:2:3:", "a:1:1:1", "-1:1:1:1", "1:1:1:1x", "0:0:5:1",
                           "5000000:1:1:1", "1:18446744073709551615:1:1", "18446744073709551615:2:1:1"}) {
    CAPTURE(text);
    CHECK(failure([&] { find_chunked_places(ranges, {{toc, text}}); }) == Errc::corrupt_archive);
  }
  CHECK(failure([&] { find_chunked_places(ranges, {{toc, "1:2:3:2"}}); }) == Errc::unsupported);
  CHECK(failure([&] {
          find_chunked_places(ranges, {{toc, "1:2:3:1"}, {split, "1:2"}});
        }) == Errc::corrupt_archive);
  auto short_one = memory_ranges(stream.bytes.substr(0, 63));
  CHECK(failure([&] { find_chunked_places(short_one, {}); }) == Errc::corrupt_archive);
  auto other = memory_ranges(std::string(100, 'x'));
  CHECK(failure([&] { find_chunked_places(other, {}); }) == Errc::corrupt_archive);
}

TEST_CASE("chunked_stream: corrupt tables are refused", "[archive][chunked_stream]") {
  auto const stream = chunked_tools::stream_of(some_tar());
  auto ranges = memory_ranges(stream.bytes);
  auto const places = find_chunked_places(ranges, stream.annotations);
  auto const read = [&](ChunkedPlaces const& from, std::uint64_t max = 1 << 20) {
    return failure([&] { read_chunked_tables(ranges, from, *stream.made.toc_digest, max); });
  };
  CHECK(read(places) == std::error_code());
  CHECK(read(places, 10) == Errc::over_budget);
  auto wrong = places;
  ++wrong.toc.offset;
  CHECK(read(wrong) == Errc::digest_mismatch);
  wrong = places;
  ++wrong.toc.plain_size;
  CHECK(read(wrong) == Errc::corrupt_archive);
  wrong.toc.plain_size -= 2;
  CHECK(read(wrong) == Errc::corrupt_archive);
  wrong = places;
  wrong.tar_split->offset = places.toc.offset + 1;
  CHECK(read(wrong) == Errc::corrupt_archive);
}

TEST_CASE("chunked_stream: a source that returns other bytes than requested is an error",
          "[archive][chunked_stream]") {
  struct Liar {
    int kind;
    std::uint64_t size() const { return 1000; }
    void read(std::span<ByteRange const> asked, RangeBytes const& to) const {
      std::string const bytes(asked[0].size + 1, 'x');
      if (kind == 0) return;
      if (kind == 1) to(0, as_bytes(bytes));
      if (kind == 2) to(1, as_bytes(bytes));
      if (kind == 3) to(0, as_bytes(bytes).first(1));
    }
  };
  for (int kind = 0; kind < 4; ++kind) {
    Ranges ranges = Liar{kind};
    CHECK(failure([&] { find_chunked_places(ranges, {}); }) == Errc::corrupt_archive);
  }
}

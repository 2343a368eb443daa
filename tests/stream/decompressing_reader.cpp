#include <strata/codec/all.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/stream/decompressing_reader.hpp>
#include <strata/sys/stream.hpp>

#include "../codec/tools.hpp"
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace strata;
using archive::DecompressingReader;
using archive::DecompressingReaderOptions;
using tools::Chunks;
using tools::error_of;

namespace {

Digest digest(std::string const& text) { return Digest::of(as_bytes(text)); }

/// Says how long it is; more or less than it has, if it is told.
struct Sized {
  Chunks chunks;
  std::uint64_t said;
  Bytes next() { return chunks.next(); }
  std::optional<std::uint64_t> size() const { return said; }
};

/// Threads of this process.
std::ptrdiff_t threads() { return std::distance(fs::directory_iterator("/proc/self/task"), {}); }

void check(Source source, std::string const& packed, std::string const& plain, Compression compression) {
  DecompressingReader in(std::move(source), codec::All{});
  CHECK(in.compression() == compression);
  CHECK(tools::drain(in) == plain);
  CHECK(in.next().empty());
  auto const result = in.finish();
  CHECK(result.compression == compression);
  CHECK(result.compressed_digest == digest(packed));
  CHECK(result.compressed_size == packed.size());
  CHECK(result.plain_digest == digest(plain));
  CHECK(result.plain_size == plain.size());
  CHECK(in.bytes_in() == packed.size());
}

void check(std::string const& packed, std::string const& plain, Compression compression, std::size_t chunk) {
  INFO(codec::name(compression) << ", " << packed.size() << " bytes in chunks of " << chunk);
  check(Chunks(packed, chunk), packed, plain, compression);
}

/// Zero bytes without end, or as many as it is told.
struct Zeros {
  std::uint64_t left = ~std::uint64_t{0};
  std::vector<std::byte> block = std::vector<std::byte>(1 << 20);
  Bytes next() {
    auto const count = std::min<std::uint64_t>(left, block.size());
    left -= count;
    return Bytes(block).first(static_cast<std::size_t>(count));
  }
};

/// Gives a text and then fails.
struct Failing {
  std::string text;
  bool given = false;
  Bytes next() {
    if (!std::exchange(given, true) && !text.empty()) return as_bytes(text);
    throw Error(std::error_code(EIO, std::system_category()), "read /bad");
  }
};

/// Fills as files do, and fails when it is asked for chunks.
struct Filling {
  std::string text;
  std::size_t at = 0;
  Bytes next() { throw Error(Errc::unsupported, "next of a source that fills"); }
  std::size_t fill(std::span<std::byte> into) {
    auto const count = std::min({into.size(), text.size() - at, std::size_t{1000}});
    std::memcpy(into.data(), text.data() + at, count);
    at += count;
    return count;
  }
};

}  // namespace

TEST_CASE("an inlet gives the plain bytes and both digests, however compressed", "[archive][inlet]") {
  for (std::size_t const size : {0u, 1u, 5u, 6u, 7u, 262'144u, 3'000'000u}) {
    auto const plain = tools::sample(size);
    for (std::size_t const chunk : {1u, 1000u, 5'000'000u}) {
      if (chunk == 1 && size > 300'000) continue;
      check(plain, plain, Compression::none, chunk);
      check(tools::filter("gzip -c", plain), plain, Compression::gzip, chunk);
      check(tools::filter("zstd -c", plain), plain, Compression::zstd, chunk);
      check(tools::filter("xz -0 -c", plain), plain, Compression::xz, chunk);
      check(tools::filter("bzip2 -c", plain), plain, Compression::bzip2, chunk);
    }
  }
}

TEST_CASE("an input known to be small is processed by the caller", "[archive][inlet]") {
  auto const before = threads();
  for (std::size_t const size : {0u, 5u, 100'000u, 250'000u}) {
    auto const plain = tools::sample(size);
    for (auto const& [packed, compression] : {std::pair{plain, Compression::none},
                                              {tools::filter("gzip -c", plain), Compression::gzip},
                                              {tools::filter("xz -0 -c", plain), Compression::xz}}) {
      if (packed.size() >= 262'144) continue;
      DecompressingReader in(Sized{Chunks(packed, 1000), packed.size()}, codec::All{});
      CHECK(threads() == before);
      CHECK(tools::drain(in) == plain);
      CHECK(threads() == before);
      check(Sized{Chunks(packed, 777), packed.size()}, packed, plain, compression);
    }
  }
  // A little archive may hold much: it is decompressed as the caller takes it.
  auto const zeros = std::string(20'000'000, '\0');
  auto const packed = tools::filter("gzip -c", zeros);
  check(Sized{Chunks(packed, 1000), packed.size()}, packed, zeros, Compression::gzip);
  CHECK(threads() == before);
}

TEST_CASE("what a source says of its size need not be true", "[archive][inlet]") {
  auto const plain = tools::sample(900'000);
  auto const packed = tools::filter("gzip -1 -c", plain);
  for (std::uint64_t const said : {std::uint64_t{0}, std::uint64_t{10}, std::uint64_t{1} << 40}) {
    check(Sized{Chunks(plain, 1000), said}, plain, plain, Compression::none);
    check(Sized{Chunks(packed, 1000), said}, packed, plain, Compression::gzip);
    check(Sized{Chunks("short", 1000), said}, "short", "short", Compression::none);
  }
}

TEST_CASE("damage and failures of a small input are reported after the bytes before them",
          "[archive][inlet]") {
  auto const plain = tools::sample(100'000);
  auto packed = tools::filter("gzip -c", plain);
  packed.resize(packed.size() - 10);
  DecompressingReader in(Sized{Chunks(packed, 1000), packed.size()}, codec::All{});
  std::string got;
  CHECK(error_of([&] {
          for (Bytes some; !(some = in.next()).empty();) got += as_text(some);
        }) == Errc::corrupt_archive);
  CHECK(plain.starts_with(got));
}

TEST_CASE("an inlet takes an empty stream and one too short for any magic", "[archive][inlet]") {
  for (std::string const text : {"", "\x1f", "\x1f\x8b", "BZ", "\x28\xb5\x2f"})
    check(text, text, Compression::none, 1);
  DecompressingReader in(memory_source(""), codec::List<>{});
  CHECK(in.finish().plain_digest == digest(""));
}

TEST_CASE("an inlet reads to the end what its caller did not", "[archive][inlet]") {
  auto const plain = tools::sample(9'000'000);
  for (auto const& packed : {plain, tools::filter("gzip -1 -c", plain)}) {
    DecompressingReader in(Chunks(packed, 100'000), codec::All{});
    CHECK_FALSE(in.next().empty());
    auto const result = in.finish();
    CHECK(result.plain_digest == digest(plain));
    CHECK(result.plain_size == plain.size());
    CHECK(result.compressed_digest == digest(packed));
  }
}

TEST_CASE("an inlet has a source fill its blocks where the source can", "[archive][inlet]") {
  auto const plain = tools::sample(700'000);
  DecompressingReader in(Filling{plain}, codec::All{});
  CHECK(in.finish().plain_digest == digest(plain));
  auto const packed = tools::filter("zstd -c", plain);
  DecompressingReader compressed(Filling{packed}, codec::All{});
  CHECK(tools::drain(compressed) == plain);
}

TEST_CASE("an inlet knows compressions that its list does not read", "[archive][inlet]") {
  auto const packed = tools::filter("xz -c", "text");
  CHECK(error_of([&] { DecompressingReader(Chunks(packed, 100), codec::List<codec::Gzip>{}); }) ==
        Errc::unsupported_compression);
  CHECK(error_of([&] { DecompressingReader(Chunks(packed, 100), codec::List<>{}); }) ==
        Errc::unsupported_compression);
}

TEST_CASE("damage is reported after the bytes before it", "[archive][inlet]") {
  auto const plain = tools::sample(5'000'000);
  for (auto const* const packer : {"gzip -1 -c", "zstd -1 -c"}) {
    auto const packed = tools::filter(packer, plain);
    for (auto const& damaged :
         {packed.substr(0, packed.size() - 1), packed.substr(0, packed.size() / 2), packed + "tail"}) {
      DecompressingReader in(Chunks(damaged, 65536), codec::All{});
      std::string got;
      CHECK(error_of([&] {
              for (Bytes bytes; !(bytes = in.next()).empty();) got += as_text(bytes);
            }) == Errc::corrupt_archive);
      CHECK(got.size() > 1'000'000);
      CHECK(plain.starts_with(got));
      CHECK(error_of([&] { in.finish(); }) == Errc::corrupt_archive);
    }
  }
}

TEST_CASE("what the source throws reaches the caller", "[archive][inlet]") {
  auto const plain = tools::sample(400'000);
  std::error_code const io(EIO, std::system_category());
  CHECK(error_of([] { DecompressingReader(Failing{""}, codec::All{}); }) == io);
  for (auto const& text : {plain, tools::filter("gzip -c", plain), tools::filter("xz -c", plain)}) {
    DecompressingReader in(Failing{text}, codec::All{});
    CHECK(error_of([&] { tools::drain(in); }) == io);
    DecompressingReader unread(Failing{text}, codec::All{});
    CHECK(error_of([&] { unread.finish(); }) == io);
    DecompressingReader dropped(Failing{text}, codec::All{});
  }
}

TEST_CASE("an inlet keeps to its budgets", "[archive][inlet]") {
  auto const bomb = tools::filter("head -c 30000000 /dev/zero | zstd -c", "");
  auto const gzip_bomb = tools::filter("head -c 30000000 /dev/zero | gzip -c", "");
  for (auto const& packed : {bomb, gzip_bomb}) {
    auto const read = [&](DecompressingReaderOptions const& options) {
      DecompressingReader(Chunks(packed, 4096), codec::All{}, options).finish();
    };
    CHECK(error_of([&] { read({}); }) == std::error_code());
    CHECK(error_of([&] { read({.max_bytes = 29'999'999}); }) == Errc::over_budget);
    CHECK(error_of([&] { read({.max_bytes = 30'000'000}); }) == std::error_code());
    CHECK(error_of([&] { read({.max_ratio = 500, .ratio_free_bytes = 10'000'000}); }) == Errc::over_budget);
    CHECK(error_of([&] { read({.max_ratio = 500, .ratio_free_bytes = 40'000'000}); }) == std::error_code());
    CHECK(error_of([&] { read({.max_ratio = 0, .ratio_free_bytes = 1000}); }) == Errc::over_budget);
  }
  CHECK(error_of([] { DecompressingReader(Zeros{}, codec::All{}, {.max_bytes = 5'000'000}).finish(); }) ==
        Errc::over_budget);
  CHECK(error_of([] {
          DecompressingReader(Zeros{5'000'000}, codec::All{}, {.max_bytes = 5'000'000}).finish();
        }) == std::error_code());
}

TEST_CASE("an inlet dropped on the way ends its threads", "[archive][inlet]") {
  auto const plain = tools::sample(12'000'000);
  auto const packed = tools::filter("gzip -1 -c", plain);
  for (int blocks = 0; blocks < 4; ++blocks) {
    DecompressingReader endless(Zeros{}, codec::All{});
    DecompressingReader compressed(Chunks(packed, 10'000), codec::All{});
    for (int i = 0; i < blocks; ++i) {
      CHECK_FALSE(endless.next().empty());
      CHECK_FALSE(compressed.next().empty());
    }
    if (blocks == 2) std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  DecompressingReader first(Chunks(packed, 10'000), codec::All{});
  auto moved = std::move(first);
  CHECK(moved.finish().plain_size == plain.size());
}

TEST_CASE("an inlet stops when its caller asks", "[archive][inlet]") {
  std::stop_source stop;
  {
    DecompressingReader in(Zeros{}, codec::All{}, {.control = {.stop = stop.get_token()}});
    CHECK_FALSE(in.next().empty());
    stop.request_stop();
    CHECK(error_of([&] { in.next(); }) == Errc::stopped);
    CHECK(error_of([&] { in.finish(); }) == Errc::stopped);
  }
  CHECK(error_of([&] {
          DecompressingReader(Zeros{}, codec::All{}, {.control = {.stop = stop.get_token()}});
        }) == Errc::stopped);

  std::stop_source later;
  DecompressingReader endless(Zeros{}, codec::All{},
                              {.max_bytes = ~std::uint64_t{0}, .control = {.stop = later.get_token()}});
  std::jthread const asker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    later.request_stop();
  });
  CHECK(error_of([&] { endless.finish(); }) == Errc::stopped);
}

TEST_CASE("a stop wakes a caller who waits for a slow source", "[archive][inlet]") {
  struct Slow {
    std::stop_token released;
    bool given = false;
    Bytes next() {
      if (!std::exchange(given, true)) return as_bytes("the beginning");
      while (!released.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return {};
    }
  };
  std::stop_source stop, release;
  DecompressingReader in(Slow{release.get_token()}, codec::All{}, {.control = {.stop = stop.get_token()}});
  std::jthread const asker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    stop.request_stop();
  });
  CHECK(error_of([&] { in.next(); }) == Errc::stopped);
  release.request_stop();
}

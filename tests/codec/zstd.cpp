#include <strata/codec/zstd.hpp>

#include "tools.hpp"

using namespace strata;
using codec::Zstd;

TEST_CASE("codec::Zstd reads what zstd writes", "[codec][zstd]") {
  tools::check_reading<Zstd>("zstd -c");
  tools::check_reading<Zstd>("zstd -19 --check -c");
}

TEST_CASE("codec::Zstd skips what is to be skipped", "[codec][zstd]") {
  auto const packed = tools::filter("zstd -c", "body");
  std::string const skippable = std::string("\x50\x2a\x4d\x18\x03\0\0\0", 8) + "abc";
  for (std::size_t const chunk : {1u, 4u, 4096u}) {
    CHECK(tools::unpack<Zstd>(packed + skippable + packed, chunk) == "bodybody");
    CHECK(tools::error_of([&] { tools::unpack<Zstd>(packed + skippable.substr(0, 10), chunk); }) ==
          Errc::corrupt_archive);
  }
}

TEST_CASE("codec::Zstd limits the memory that an input can ask for", "[codec][zstd]") {
  // No size in the header, so that the window is what the level says.
  auto const with_window = [](std::string const& log) {
    return tools::filter("cat | zstd --ultra --long=" + log + " -c", std::string(1000, 'x'));
  };
  for (auto const* const log : {"27", "28", "29"})
    CHECK(tools::unpack<Zstd>(with_window(log)) == std::string(1000, 'x'));
  auto const huge = with_window("30");
  CHECK(tools::error_of([&] { tools::unpack<Zstd>(huge); }) == Errc::over_budget);
  auto source = Zstd::decompress(tools::Chunks(huge, 100), {.max_memory = std::uint64_t{1} << 30});
  CHECK(tools::drain(source) == std::string(1000, 'x'));
  auto small =
      Zstd::decompress(tools::Chunks(with_window("27"), 100), {.max_memory = std::uint64_t{1} << 26});
  CHECK(tools::error_of([&] { tools::drain(small); }) == Errc::over_budget);
}

TEST_CASE("zstd reads what codec::Zstd writes", "[codec][zstd]") {
  for (std::size_t const size : {0u, 1u, 70'000u, 3'000'000u, 20'000'000u}) {
    auto const plain = tools::sample(size);
    for (int const level : {0, 1, 9}) {
      INFO(size << " bytes, level " << level);
      if (size > 5'000'000 && level != 0) continue;
      auto const packed = tools::pack<Zstd>(plain, {.level = level});
      CHECK(tools::filter("zstd -dc", packed) == plain);
      CHECK(tools::unpack<Zstd>(packed) == plain);
    }
  }
  auto const plain = tools::sample(100'000);
  CHECK(tools::filter("zstd -dc", tools::pack<Zstd>(plain, {.threads = 0}, 10)) == plain);
}

TEST_CASE("what the sink throws reaches the caller of codec::Zstd", "[codec][zstd]") {
  struct Full {
    void write(Bytes) { throw Error(std::error_code(ENOSPC, std::system_category()), "write /full"); }
  };
  CHECK(tools::error_of([&] {
          auto const encoder = Zstd::compress(Full{});
          encoder->write(as_bytes("a little"));
          encoder->finish();
        }) == std::error_code(ENOSPC, std::system_category()));
}

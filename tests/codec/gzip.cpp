#include <strata/codec/gzip.hpp>

#include "tools.hpp"

using namespace strata;
using codec::Gzip;

TEST_CASE("codec::Gzip reads what gzip writes", "[codec][gzip]") {
  tools::check_reading<Gzip>("gzip -c");
  tools::check_reading<Gzip>("gzip -1 -n -c");
}

TEST_CASE("codec::Gzip reads every kind of header, wherever it is cut", "[codec][gzip]") {
  auto const packed = tools::filter("gzip -n -c", "body");
  auto const body = packed.substr(10);
  auto const header = [](char flags) {
    return std::string("\x1f\x8b\x08") + flags + std::string("\0\0\0\0\0\xff", 6);
  };
  std::string const extra = std::string("\5\0", 2) + "extra";
  std::string const name("name\0", 5), comment("a comment\0", 10);
  auto const sum = [](std::string const& head) {
    auto const crc = crc32_gzip_refl(0, reinterpret_cast<unsigned char const*>(head.data()), head.size());
    return std::string{static_cast<char>(crc), static_cast<char>(crc >> 8)};
  };
  auto const all = header(2 | 4 | 8 | 16) + extra + name + comment;
  for (std::size_t const chunk : {1u, 2u, 11u, 4096u}) {
    CHECK(tools::unpack<Gzip>(header(0) + body, chunk) == "body");
    CHECK(tools::unpack<Gzip>(header(4) + extra + body, chunk) == "body");
    CHECK(tools::unpack<Gzip>(header(8) + name + body, chunk) == "body");
    CHECK(tools::unpack<Gzip>(header(16) + comment + body, chunk) == "body");
    CHECK(tools::unpack<Gzip>(header(0x20) + body, chunk) ==
          "body");  // reserved flags, as containers/storage
    CHECK(tools::unpack<Gzip>(all + sum(all) + body + all + sum(all) + body, chunk) == "bodybody");
    CHECK(tools::error_of([&] { tools::unpack<Gzip>(all + "??" + body, chunk); }) == Errc::corrupt_archive);
  }
}

TEST_CASE("codec::Gzip checks sum and length of each member", "[codec][gzip]") {
  auto const good = tools::filter("gzip -n -c", tools::sample(5000));
  for (std::size_t back = 1; back <= 8; ++back) {
    auto bad = good;
    bad[bad.size() - back] = static_cast<char>(bad[bad.size() - back] + 1);
    CHECK(tools::error_of([&] { tools::unpack<Gzip>(bad + good); }) == Errc::corrupt_archive);
    CHECK(tools::error_of([&] { tools::unpack<Gzip>(good + bad, 1); }) == Errc::corrupt_archive);
  }
}

TEST_CASE("gzip reads what codec::Gzip writes", "[codec][gzip]") {
  std::size_t const piece = 512 * 1024;
  for (std::size_t const size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, piece - 1, piece,
                                 piece + 1, 5 * piece + 12345}) {
    auto const plain = tools::sample(size);
    for (int const level : {0, 1, 2, 3, 9}) {
      INFO(size << " bytes, level " << level);
      auto const packed = tools::pack<Gzip>(plain, {.level = level});
      CHECK(tools::filter("gzip -dc", packed) == plain);
      CHECK(tools::unpack<Gzip>(packed) == plain);
    }
  }
  std::mt19937 random(7);
  std::string noise(3 * piece, '\0');
  for (auto& c : noise) c = static_cast<char>(random());
  for (int const level : {1, 2, 3}) {
    auto const packed = tools::pack<Gzip>(noise, {.level = level});
    CHECK(packed.size() < noise.size() + noise.size() / 1000 + 100);
    CHECK(tools::filter("gzip -dc", packed) == noise);
  }
  CHECK(tools::pack<Gzip>(std::string(10 * piece, '\0')).size() < 40'000);
}

TEST_CASE("codec::Gzip writes the same for any number of threads and any chunks", "[codec][gzip]") {
  auto const plain = tools::sample(3'000'000);
  auto const one = tools::pack<Gzip>(plain, {.threads = 1});
  CHECK(tools::pack<Gzip>(plain, {.threads = 4}) == one);
  CHECK(tools::pack<Gzip>(plain, {}, 999) == one);
  CHECK(tools::pack<Gzip>(plain, {.threads = 0}, plain.size()) == one);
}

TEST_CASE("codec::Gzip packs about as well as gzip", "[codec][gzip]") {
  auto const plain = tools::filter("head -qc 2000000 /usr/bin/[a-m]* | head -c 20000000", "");
  auto const packed = tools::pack<Gzip>(plain);
  CHECK(static_cast<double>(packed.size()) <
        1.15 * static_cast<double>(tools::filter("gzip -6 -c", plain).size()));
}

namespace {
struct FailingSink {
  void write(Bytes bytes) {
    if (bytes.size() > left) throw Error(std::error_code(ENOSPC, std::system_category()), "write /full");
    left -= bytes.size();
  }
  std::size_t left;
};
}  // namespace

TEST_CASE("what the sink throws reaches the caller of codec::Gzip", "[codec][gzip]") {
  auto const plain = tools::sample(4'000'000);
  for (std::size_t const room : {0u, 5u, 100'000u, 1'000'000u}) {
    auto const code = tools::error_of([&] {
      auto const encoder = Gzip::compress(FailingSink{room});
      for (int i = 0; i < 5; ++i) encoder->write(as_bytes(plain));
      encoder->finish();
    });
    CHECK(code == std::error_code(ENOSPC, std::system_category()));
  }
  CHECK(tools::error_of([] { Gzip::compress(FailingSink{3})->finish(); }) ==
        std::error_code(ENOSPC, std::system_category()));
}

TEST_CASE("a codec::Gzip encoder that is dropped ends its threads", "[codec][gzip]") {
  auto const plain = tools::sample(3'000'000);
  std::string out;
  for (std::size_t const size : {std::size_t{0}, std::size_t{10}, plain.size()}) {
    auto const encoder = Gzip::compress(tools::StringSink{&out});
    encoder->write(as_bytes(plain).first(size));
  }
}

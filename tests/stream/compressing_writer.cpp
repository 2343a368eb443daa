#include <strata/codec/all.hpp>
#include <strata/error.hpp>
#include <strata/stream/compressing_writer.hpp>

#include "../codec/tools.hpp"

using namespace strata;
using archive::CompressingWriter;
using tools::error_of;
using tools::StringSink;

namespace {
struct Full {
  std::size_t left;
  void write(Bytes bytes) {
    if (bytes.size() > left) throw Error(std::error_code(ENOSPC, std::system_category()), "write /full");
    left -= bytes.size();
  }
};
}  // namespace

TEST_CASE("an outlet compresses, counts and hashes", "[archive][outlet]") {
  std::pair<Compression, char const*> const formats[] = {
      {Compression::none, "cat"}, {Compression::gzip, "gzip -dc"}, {Compression::zstd, "zstd -dc"}};
  for (auto const& [compression, unpack] : formats) {
    for (std::size_t const size : {0u, 1u, 262'144u, 7'000'000u}) {
      INFO(codec::name(compression) << ", " << size << " bytes");
      auto const plain = tools::sample(size);
      std::string out;
      CompressingWriter outlet(StringSink{&out}, compression, codec::All{},
                               {.hash_plain = true, .hash_output = true});
      for (std::size_t at = 0; at < size; at += 99'999)
        outlet.write(as_bytes(plain).subspan(at, std::min<std::size_t>(99'999, size - at)));
      auto const result = outlet.finish();
      CHECK(tools::filter(unpack, out) == plain);
      CHECK(result.plain_size == size);
      CHECK(result.plain_digest == Digest::of(as_bytes(plain)));
      CHECK(result.output_size == out.size());
      CHECK(result.output_digest == Digest::of(as_bytes(out)));
    }
  }
}

TEST_CASE("an outlet hashes only what it is asked to", "[archive][outlet]") {
  std::string out;
  CompressingWriter outlet(StringSink{&out}, Compression::none, codec::List<>{});
  outlet.write(as_bytes("text"));
  auto const result = outlet.finish();
  CHECK(out == "text");
  CHECK_FALSE(result.plain_digest);
  CHECK_FALSE(result.output_digest);
  CHECK(result.plain_size == 4);
  CHECK(result.output_size == 4);
}

TEST_CASE("an outlet that compresses nothing has one digest for both sides", "[archive][outlet]") {
  for (auto const& options : {archive::CompressingWriterOptions{.hash_plain = true},
                              archive::CompressingWriterOptions{.hash_output = true}}) {
    std::string out;
    CompressingWriter outlet(StringSink{&out}, Compression::none, codec::All{}, options);
    outlet.write(as_bytes("text"));
    auto const result = outlet.finish();
    CHECK(result.plain_digest == Digest::of(as_bytes("text")));
    CHECK(result.output_digest == result.plain_digest);
  }
}

TEST_CASE("an outlet refuses what its list does not produce", "[archive][outlet]") {
  std::string out;
  auto const open = [&]<class List>(Compression compression, List list) {
    CompressingWriter(StringSink{&out}, compression, list);
  };
  CHECK(error_of([&] { open(Compression::xz, codec::All{}); }) == Errc::unsupported_compression);
  CHECK(error_of([&] { open(Compression::bzip2, codec::All{}); }) == Errc::unsupported_compression);
  CHECK(error_of([&] { open(Compression::gzip, codec::List<codec::Zstd>{}); }) ==
        Errc::unsupported_compression);
  CHECK(out.empty());
}

TEST_CASE("what the sink of an outlet throws reaches the caller", "[archive][outlet]") {
  auto const plain = tools::sample(1'000'000);
  for (auto const compression : {Compression::none, Compression::gzip, Compression::zstd}) {
    for (std::size_t const room : {0u, 12u, 200'000u}) {
      INFO(codec::name(compression) << ", room for " << room);
      CHECK(error_of([&] {
              CompressingWriter outlet(Full{room}, compression, codec::All{}, {.hash_plain = true});
              for (int i = 0; i < 20; ++i) outlet.write(as_bytes(plain));
              outlet.finish();
            }) == std::error_code(ENOSPC, std::system_category()));
    }
  }
}

TEST_CASE("an outlet dropped on the way ends its threads", "[archive][outlet]") {
  auto const plain = tools::sample(2'000'000);
  for (auto const compression : {Compression::none, Compression::gzip, Compression::zstd}) {
    std::string out;
    {
      CompressingWriter outlet(StringSink{&out}, compression, codec::All{},
                               {.hash_plain = true, .hash_output = true});
      outlet.write(as_bytes(plain));
    }
    CompressingWriter untouched(StringSink{&out}, compression, codec::All{}, {.hash_plain = true});
    auto moved = std::move(untouched);
    moved.write(as_bytes("moved"));
    CHECK(moved.finish().plain_digest == Digest::of(as_bytes("moved")));
  }
}

TEST_CASE("an outlet stops when its caller asks", "[archive][outlet]") {
  std::stop_source stop;
  std::string out;
  CompressingWriter outlet(StringSink{&out}, Compression::gzip, codec::All{},
                           {.control = {.stop = stop.get_token()}});
  outlet.write(as_bytes("text"));
  stop.request_stop();
  CHECK(error_of([&] { outlet.write(as_bytes("more")); }) == Errc::stopped);
  CHECK(error_of([&] { outlet.finish(); }) == Errc::stopped);
}

#pragma once

#include <strata/codec/codec.hpp>
#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <utility>

/// The command-line tools that the codecs are checked against, and inputs to check them with.
namespace tools {

using strata::Bytes;
using strata::Source;

/// What a filter command makes of `input`; fails the test when the command fails.
inline std::string filter(std::string const& command, std::string const& input) {
  static auto const dir = [] {
    auto pattern = (strata::fs::temp_directory_path() / "strata-codec-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    static struct Remove {
      strata::fs::path path;
      ~Remove() { strata::fs::remove_all(path); }
    } remove{pattern};
    return remove.path;
  }();
  auto const in = dir / "in";
  auto const out = dir / "out";
  strata::fs::ofstream(in, std::ios::binary) << input;
  INFO(command);
  REQUIRE(std::system(
              ("(" + command + ") < " + in.string() + " > " + out.string() + " 2>/dev/null").c_str()) == 0);
  strata::fs::ifstream file(out, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Some of it random, some of it compressible, none of it the same for two seeds.
inline std::string sample(std::size_t size, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::string text;
  text.reserve(size + 4096);
  while (text.size() < size) {
    if (random() % 3 == 0)
      for (int i = 0; i < 512; ++i) text += static_cast<char>(random());
    else if (text.size() > 5000)
      text.append(text.substr(text.size() - 1 - random() % 5000, random() % 2000));
    else
      text += "a line of text\n";
  }
  text.resize(size);
  return text;
}

/// Gives its bytes in chunks of one size, each at a place of its own, so that a sanitizer sees who keeps an old one.
class Chunks {
 public:
  Chunks(std::string text, std::size_t chunk) : text_(std::move(text)), chunk_(chunk) {}
  Bytes next() {
    auto const part = std::min(chunk_, text_.size() - at_);
    current_ = std::make_unique<std::string>(text_.substr(at_, part));
    at_ += part;
    return strata::as_bytes(*current_);
  }

 private:
  std::string text_;
  std::size_t chunk_;
  std::size_t at_ = 0;
  std::unique_ptr<std::string> current_;
};

inline std::string drain(strata::Reader& in) {
  std::string out;
  for (Bytes bytes; !(bytes = in.next()).empty();) out += strata::as_text(bytes);
  return out;
}

template <class C>
std::string unpack(std::string packed, std::size_t chunk = 65536) {
  auto source = C::decompress(Chunks(std::move(packed), chunk), strata::codec::DecodeOptions{});
  return drain(source);
}

struct StringSink {
  void write(Bytes bytes) { *out += strata::as_text(bytes); }
  std::string* out;
};

template <class C>
std::string pack(std::string const& plain, strata::codec::EncodeOptions const& options = {},
                 std::size_t chunk = 100'000) {
  std::string out;
  auto const encoder = C::compress(StringSink{&out}, options);
  for (std::size_t at = 0; at < plain.size(); at += chunk)
    encoder->write(strata::as_bytes(std::string_view(plain).substr(at, chunk)));
  encoder->finish();
  return out;
}

/// The code of the error that `call` throws; none when it throws nothing.
template <class Call>
std::error_code error_of(Call call) {
  try {
    call();
  } catch (strata::Error const& error) {
    return error.code();
  }
  return {};
}

/// Reading, as every codec must do it; `packer` is the command that writes the format.
template <class C>
void check_reading(std::string const& packer) {
  using strata::Errc;
  auto const big = sample(900'000);
  auto const packed_big = filter(packer, big);
  auto const packed_small = filter(packer, "x");
  auto const packed_empty = filter(packer, "");
  CHECK(strata::codec::detect(strata::as_bytes(packed_big)) == C::compression);
  CHECK(C::matches(strata::as_bytes(packed_empty)));
  CHECK(unpack<C>(packed_empty).empty());
  CHECK(unpack<C>(packed_small) == "x");
  CHECK(unpack<C>(packed_big) == big);

  for (std::size_t const chunk : {1u, 2u, 3u, 7u, 1000u}) {
    INFO("chunks of " << chunk);
    CHECK(unpack<C>(packed_big + packed_empty + packed_small + packed_big, chunk) == big + "x" + big);
  }

  auto source = C::decompress(Chunks(packed_big, 777), strata::codec::DecodeOptions{});
  std::string filled(big.size() + 1, '\0');
  std::size_t at = 0;
  for (std::size_t want = 1;; want = want % 4999 + 1) {
    auto const room = std::as_writable_bytes(std::span(filled)).subspan(at);
    auto const count = source.fill(room.first(std::min(want, room.size())));
    at += count;
    if (count == 0) break;
  }
  CHECK(at == big.size());
  CHECK(filled.starts_with(big));

  auto const middle = sample(3000, 2);
  auto const packed = filter(packer, middle);
  for (std::size_t size = 1; size < packed.size(); size += size < 40 || size + 40 > packed.size() ? 1 : 37) {
    INFO("cut off after " << size << " of " << packed.size());
    CHECK(error_of([&] { unpack<C>(packed.substr(0, size)); }) == Errc::corrupt_archive);
    CHECK(error_of([&] { unpack<C>(packed_small + packed.substr(0, size), 5); }) == Errc::corrupt_archive);
  }
  for (auto const* const tail : {"garbage after the end", "g"}) {
    INFO(tail);
    CHECK(error_of([&] { unpack<C>(packed + tail); }) == Errc::corrupt_archive);
  }

  std::size_t unnoticed = 0;  // flips in fields that mean nothing, such as a time
  for (std::size_t bit = 0; bit < packed.size() * 8; bit += 61) {
    auto damaged = packed;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    try {
      unnoticed += unpack<C>(damaged) == middle;
    } catch (strata::Error const&) {
      continue;
    }
  }
  CHECK(unnoticed <= 4);
}

}  // namespace tools

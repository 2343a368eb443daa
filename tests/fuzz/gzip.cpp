// Invariant: any bytes are decompressed or refused, the same however they are cut; what is taken, zlib takes for the same
// bytes, save members with reserved flags, which only Go takes; and what is compressed, at any level and by any number of
// threads, comes back.

#include <strata/codec/gzip.hpp>

#include <zlib.h>

#include "codec.hpp"

namespace {

enum class Taken { yes, no, never };

/// By zlib, which never takes reserved flags.
std::pair<std::string, Taken> by_zlib(std::string_view packed) {
  std::string out, room(65536, '\0');
  while (!packed.empty() && out.size() < fuzz::most_plain) {
    if (packed.size() > 3 && (packed[3] & 0xe0) != 0) return {out, Taken::never};
    z_stream stream{};
    if (::inflateInit2(&stream, 16 + 15) != Z_OK) return {out, Taken::no};
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    int result = Z_OK;
    while (result == Z_OK && out.size() < fuzz::most_plain) {
      stream.next_out = reinterpret_cast<Bytef*>(room.data());
      stream.avail_out = static_cast<uInt>(room.size());
      result = ::inflate(&stream, Z_NO_FLUSH);
      out.append(room, 0, room.size() - stream.avail_out);
    }
    packed.remove_prefix(packed.size() - stream.avail_in);
    ::inflateEnd(&stream);
    if (result != Z_STREAM_END && result != Z_OK) return {out, Taken::no};
  }
  if (out.size() > fuzz::most_plain) out.resize(fuzz::most_plain);
  return {out, Taken::yes};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  if (input.flag()) {
    auto const how = input.choice(12);
    fuzz::check_round_trip<strata::codec::Gzip>(input.text(), chunk,
                                                {.level = static_cast<int>(how % 4), .threads = how / 4});
    return 0;
  }
  auto const plain = fuzz::check_decompression<strata::codec::Gzip>(input.text(), chunk);
  if (plain.error) return 0;
  auto const [bytes, taken] = by_zlib(input.text());
  if (taken == Taken::never) return 0;
  fuzz::require(taken == Taken::yes, "zlib takes it as well");
  fuzz::require(bytes == plain.bytes, "for the same bytes");
  return 0;
}

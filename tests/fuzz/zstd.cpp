// Invariant: any bytes are decompressed or refused, the same however they are cut; a window larger than is allowed is
// refused before memory is taken for it; and what is compressed, at any level, comes back.

#include <strata/codec/zstd.hpp>

#include "codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  if (input.flag())
    fuzz::check_round_trip<strata::codec::Zstd>(input.text(), chunk,
                                                {.level = static_cast<int>(input.choice(7)), .threads = 0});
  else
    fuzz::check_decompression<strata::codec::Zstd>(input.text(), chunk);
  return 0;
}

// Invariant: any bytes are decompressed or refused, the same however they are cut.

#include <strata/codec/bzip2.hpp>

#include "codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  fuzz::check_decompression<strata::codec::Bzip2>(input.text(), chunk);
  return 0;
}

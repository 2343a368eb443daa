// Invariant: any bytes are decompressed or refused, the same however they are cut; and what needs more memory than is
// allowed is refused before it is taken.

#include <strata/codec/xz.hpp>

#include "codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  fuzz::check_decompression<strata::codec::Xz>(input.text(), chunk);
  return 0;
}

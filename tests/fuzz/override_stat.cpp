// Invariant: a text of what a file really is changes a header only if it can be read, and then to values that are written
// as a text which gives the same again.

#include <strata/tree/override_stat.hpp>

#include "fuzz.hpp"

using namespace strata::archive;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  TarHeader const before{
      .name = "f", .type = static_cast<EntryType>('0' + input.choice(7)), .mode = 01234, .size = 5};
  auto header = before;
  if (!apply_override_stat(input.text(), header)) {
    fuzz::require(header == before, "the header is as it was");
    return 0;
  }
  fuzz::require(header.uid >= 0 && header.uid <= 0xffff'ffff && header.gid >= 0 &&
                    header.gid <= 0xffff'ffff && header.mode <= 07777,
                "numbers that can be");
  fuzz::require(before.type == EntryType::regular || header.type == before.type,
                "what is no file stays what it is");
  auto again = before;
  fuzz::require(apply_override_stat(override_stat_text(header), again), "its text can be read");
  fuzz::require(again == header, "and says the same");
  return 0;
}

// Invariant: a tar-split from a stranger, as lines or as any bytes, is refused with an error or gives an archive no
// longer than its lines and the contents that were given for its files; the archive without contents has the same headers
// however the bytes come, and is gone through in a time that the sizes in its headers bound, whatever its lines say.

#include <strata/archive/tar_split.hpp>
#include <strata/archive/zero_filled_tar.hpp>

#include "fuzz.hpp"
#include <vector>

using namespace strata;

namespace {

struct Counted final : Writer {
  void write(Bytes bytes) override { size += bytes.size(); }
  std::uint64_t size = 0;
};

std::string gzip(std::string_view text) {
  fuzz::Text out;
  archive::GzipTextWriter writer(out);
  writer.append(text);
  writer.finish();
  return out.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  auto const chunk = fuzz::chunk_size(input.choice(8));
  auto const packed = input.flag() ? std::string(input.text()) : gzip(input.text());
  constexpr std::size_t most = 1 << 20;  // of what a file gives
  std::string const zeros(4096, '\0');

  Counted rebuilt;
  fuzz::Chunks lines(packed, chunk);
  std::uint64_t given = 0;
  fuzz::outcome({Errc::corrupt_tar_split, Errc::corrupt_archive, Errc::file_changed}, [&] {
    archive::assemble(
        lines,
        [&](std::string const&, Writer& out) {
          for (std::size_t n = 0; n < most / 16; n += zeros.size()) {
            given += zeros.size();
            out.write(as_bytes(zeros));
          }
        },
        rebuilt);
  });
  fuzz::require(rebuilt.size <= given + 1032 * packed.size(), "an archive longer than what it is made of");

  auto const headers = [&](std::size_t pieces_of) {
    std::pair<std::vector<archive::TarHeader>, std::error_code> out;
    fuzz::Chunks in(packed, pieces_of);
    archive::ZeroFilledTar hollow(in);
    archive::TarReader reader(hollow, {}, &hollow);
    std::uint64_t contents = 0;
    out.second = fuzz::outcome(
        {Errc::corrupt_tar_split, Errc::corrupt_archive, Errc::over_budget, Errc::unsupported}, [&] {
          for (archive::TarHeader header; contents < most && reader.next(header);) {
            contents += static_cast<std::uint64_t>(header.size);
            out.first.push_back(header);
          }
        });
    return out;
  };
  // Where the compressed bytes are damaged, more or fewer lines may have come before, and what is wrong in them.
  auto const pieces = headers(chunk), whole = headers(fuzz::chunk_size(0));
  fuzz::require(!pieces.second == !whole.second, "an error or none, whatever the chunks");
  auto const common = std::min(pieces.first.size(), whole.first.size());
  fuzz::require(std::equal(pieces.first.begin(), pieces.first.begin() + static_cast<std::ptrdiff_t>(common),
                           whole.first.begin()),
                "the same headers");
  fuzz::require(whole.second || pieces.first.size() == whole.first.size(), "all of the headers");
  return 0;
}

// Invariant: a table of contents from a stranger is refused with an error or gives entries that keep what the reader
// promises: contents in the order of the stream that do not overlap, pieces that follow each other and are all of the
// file, names, attributes and sizes within the budgets.

#include <strata/chunked/chunked_toc.hpp>

#include "fuzz.hpp"

using namespace strata;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::Input input(data, size);
  archive::ChunkedBudgets const budgets{
      .entries = 64, .path_bytes = 256, .xattr_bytes = 256, .plain_bytes = 1 << 20};
  std::uint64_t at = 0, plain = 0, objects = 0;
  fuzz::outcome({Errc::corrupt_archive, Errc::over_budget, Errc::unsupported}, [&] {
    archive::read_chunked_toc(input.text(), budgets, [&](archive::ChunkedEntry&& entry) {
      auto const& header = entry.header;
      objects += 1 + (entry.pieces.empty() ? 0 : entry.pieces.size() - 1);
      fuzz::require(objects <= budgets.entries, "as many entries as the budget has");
      fuzz::require(!header.name.empty() && header.name.size() <= budgets.path_bytes &&
                        header.link_name.size() <= budgets.path_bytes,
                    "names within the budget");
      std::size_t bytes = 0;
      for (auto const& [key, value] : header.xattrs) bytes += key.size() + value.size();
      fuzz::require(bytes <= budgets.xattr_bytes, "attributes within the budget");
      fuzz::require(header.size >= 0 && header.mode <= 07777 && header.uid >= 0 && header.gid >= 0,
                    "numbers that can be");
      fuzz::require(header.mtime.nanoseconds >= 0 && header.mtime.nanoseconds < 1'000'000'000,
                    "a time that can be");
      fuzz::require(entry.pieces.empty() == (header.size == 0), "contents if there is a size");
      plain += static_cast<std::uint64_t>(header.size);
      fuzz::require(plain <= budgets.plain_bytes, "contents within the budget");
      std::uint64_t in_file = 0;
      for (auto const& piece : entry.pieces) {
        fuzz::require(piece.file_offset == in_file && piece.plain_size != 0, "pieces without a gap");
        fuzz::require(piece.offset >= at && piece.end >= piece.offset, "pieces in order");
        fuzz::require(piece.zeros || piece.end != piece.offset, "a piece that takes place in the stream");
        in_file += piece.plain_size;
        at = piece.end;
      }
      fuzz::require(in_file == static_cast<std::uint64_t>(header.size), "pieces that are the whole file");
    });
  });
  return 0;
}

#pragma once

#include <strata/archive/base64.hpp>
#include <strata/archive/json_scanner.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Table of contents of a zstd:chunked stream, called "manifest" in its documentation: JSON, version 1
/// (github.com/containers/storage, docs/zstd-chunked.md and pkg/chunked).
namespace strata::archive {

/// One chunk of a file's contents.
struct ChunkedPiece {
  std::uint64_t offset = 0;       ///< in the stream; chunks are whole zstd frames
  std::uint64_t end = 0;          ///< in the stream
  std::uint64_t file_offset = 0;  ///< in the file
  std::uint64_t plain_size = 0;   ///< uncompressed
  std::string digest = {};  ///< of the uncompressed bytes; empty: the file's, for an only chunk, or none
  bool zeros = false;       ///< all zeros: need not be read from the stream
};

/// One entry of the archive, of any type.
struct ChunkedEntry {
  TarHeader header = {};
  std::string digest = {};                ///< of a non-empty regular file
  std::vector<ChunkedPiece> pieces = {};  ///< contents, in order and contiguous
};

/// Budgets for reading a table; exceeding one is `Errc::over_budget`.
struct ChunkedBudgets {
  std::uint64_t entries = 10'000'000;  ///< including chunks
  std::uint64_t path_bytes = 4096;
  std::uint64_t xattr_bytes = std::uint64_t{1} << 20;  ///< of one entry
  std::uint64_t plain_bytes = std::uint64_t{256} << 30;
};

namespace detail {

/// One object of the "entries" array.
struct TocObject {
  std::string type = {};
  ChunkedEntry entry = {};
  std::int64_t size = 0, offset = 0, end_offset = 0;
  std::int64_t chunk_size = 0, chunk_offset = 0;
  std::string chunk_digest = {}, chunk_type = {};
};

class ChunkedTocReader : JsonScanner {
 public:
  ChunkedTocReader(std::string_view text, ChunkedBudgets const& budgets)
      : JsonScanner(text), budgets_(budgets) {}

  template <class Use>
  void read(Use&& use) {
    if (!take('{')) fail("is no object");
    std::int64_t version = 0;
    if (!take('}')) {
      do {
        auto const key = member();
        if (key == "version") {
          version = integer();
        } else if (key == "entries") {
          if (!take_word("null")) list([&] { object(use); });
        } else if (key == "tarSplitDigest") {
          tar_split_digest_ = text();
        } else if (!value(held_)) {
          fail("is damaged");
        }
      } while (take(','));
      if (!take('}')) fail("is damaged");
    }
    if (!at_end()) fail("is followed by something");
    if (version != 1)
      throw Error(Errc::unsupported, "version " + std::to_string(version) + " of a table of contents");
    end_entry(use);
  }
  std::string take_tar_split_digest() { return std::move(tar_split_digest_); }

 private:
  [[noreturn]] static void fail(std::string const& what);
  [[noreturn]] void refuse(std::string const& what) const;
  void check_budget(std::uint64_t value, std::uint64_t limit, char const* what) const;

  template <class Each>
  void list(Each&& each) {
    if (!take('[')) fail("is damaged");
    if (take(']')) return;
    do each();
    while (take(','));
    if (!take(']')) fail("is damaged");
  }
  std::string member();
  std::string text();
  std::int64_t integer();
  template <class N>
  N small() {
    auto const found = integer();
    if (found > static_cast<std::int64_t>(std::numeric_limits<N>::max()))
      fail("has a number that is too large");
    return static_cast<N>(found);
  }
  std::optional<FileTime> time();

  TocObject fields();

  void field(std::string const& key, TocObject& next);

  template <class Use>
  void object(Use&& use) {
    check_budget(++entries_, budgets_.entries, "entries");
    auto next = fields();
    auto const& header = next.entry.header;
    check_budget(std::max(header.name.size(), header.link_name.size()), budgets_.path_bytes, "path bytes");
    if (next.type != "chunk") {
      end_entry(use);
      last_ = std::move(next);
      if (last_->type == "reg") add_piece(*last_);
      return;
    }
    if (!last_ || last_->type != "reg") fail("has a chunk without a file");
    add_piece(next);
    if (next.end_offset != 0) last_->end_offset = next.end_offset;
  }

  void xattrs(TarHeader& header);

  /// @param from  the file's own object, or a following one of type "chunk"
  void add_piece(TocObject const& from);

  static std::optional<EntryType> type_of(std::string_view word);

  /// Completes an entry; called when the next one begins.
  template <class Use>
  void end_entry(Use&& use) {
    if (!last_) return;
    auto& [type, entry, size, offset, end_offset, chunk_size, chunk_offset, chunk_digest, chunk_type] =
        *last_;
    auto const kind = type_of(type);
    if (!kind) throw Error(Errc::unsupported, "kind \"" + type + "\" of entry \"" + entry.header.name + '"');
    if (entry.header.name.empty()) refuse("has an entry without a name");
    entry.header.type = *kind;
    entry.header.size = *kind == EntryType::regular ? size : 0;
    if (entry.header.size == 0)
      entry.pieces.clear();
    else
      place_pieces(static_cast<std::uint64_t>(end_offset));
    use(std::move(entry));
    last_.reset();
  }

  /// Sets where each chunk ends: where the next begins. Chunks of zeros are frames, too, or occupy no space.
  void place_pieces(std::uint64_t end_offset);

  ChunkedBudgets const& budgets_;
  std::string held_ = {};
  std::string tar_split_digest_ = {};
  std::optional<TocObject> last_ = {};
  std::uint64_t entries_ = 0;
  std::uint64_t plain_ = 0;
  std::uint64_t stream_at_ = 0;  ///< least offset of the next contents, which are in entry order
};

}  // namespace detail

/// Parses a table of contents and calls `use(ChunkedEntry&&)` for each entry.
///
/// The input is untrusted. Positions are checked as far as possible without the stream: contents of files
/// follow each other in the order of the entries without overlap, and the chunks of a file are contiguous and
/// complete. Names are not checked. Linear in the input; memory of one entry.
/// @return  digest of the compressed tar-split; empty if there is none
/// @throws  `Errc::corrupt_archive`, `Errc::over_budget`; `Errc::unsupported` for another version or entry
///   type
template <class Use>
std::string read_chunked_toc(std::string_view json, ChunkedBudgets const& budgets, Use&& use) {
  detail::ChunkedTocReader reader(json, budgets);
  reader.read(use);
  return reader.take_tar_split_digest();
}

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/chunked_toc.ipp>
#endif

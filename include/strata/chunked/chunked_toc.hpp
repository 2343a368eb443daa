#pragma once

#include <strata/archive/base64.hpp>
#include <strata/archive/json_scanner.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/error.hpp>
#include <strata/timestamp.hpp>

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
  [[noreturn]] static void fail(std::string const& what) {
    throw Error(Errc::corrupt_archive, "table of contents " + what);
  }
  [[noreturn]] void refuse(std::string const& what) const {
    fail(what + ", entry \"" + (last_ ? last_->entry.header.name : std::string()) + '"');
  }
  void check_budget(std::uint64_t value, std::uint64_t limit, char const* what) const {
    if (value > limit)
      throw Error(Errc::over_budget,
                  std::string("table of contents: ") + what + " above " + std::to_string(limit));
  }

  template <class Each>
  void list(Each&& each) {
    if (!take('[')) fail("is damaged");
    if (take(']')) return;
    do each();
    while (take(','));
    if (!take(']')) fail("is damaged");
  }
  std::string member() {
    std::string_view key;
    if (!string(key, held_) || !take(':')) fail("is damaged");
    return std::string(key);
  }
  std::string text() {
    if (take_word("null")) return {};
    std::string_view found;
    if (!string(found, held_)) fail("has something else than a text");
    return std::string(found);
  }
  std::int64_t integer() {
    if (take_word("null")) return 0;
    std::int64_t found = 0;
    if (!number(found) || found < 0) fail("has something else than a number");
    return found;
  }
  template <class N>
  N small() {
    auto const found = integer();
    if (found > static_cast<std::int64_t>(std::numeric_limits<N>::max()))
      fail("has a number that is too large");
    return static_cast<N>(found);
  }
  std::optional<FileTime> time() {
    auto const found = text();
    if (found.empty()) return std::nullopt;
    try {
      auto const at = Timestamp::parse(found);
      return FileTime{.seconds = at.seconds, .nanoseconds = at.nanoseconds};
    } catch (Error const&) {
      fail("has a time that is none");
    }
  }

  TocObject fields() {
    TocObject next;
    if (!take('{')) fail("is damaged");
    if (take('}')) return next;
    do {
      field(member(), next);
    } while (take(','));
    if (!take('}')) fail("is damaged");
    return next;
  }

  void field(std::string const& key, TocObject& next) {
    auto& header = next.entry.header;
    if (key == "type")
      next.type = text();
    else if (key == "name")
      header.name = text();
    else if (key == "linkName")
      header.link_name = text();
    else if (key == "mode")
      header.mode = small<std::uint32_t>() & 07777U;
    else if (key == "size")
      next.size = integer();
    else if (key == "uid")
      header.uid = integer();
    else if (key == "gid")
      header.gid = integer();
    else if (key == "modtime")
      header.mtime = time().value_or(FileTime{});
    else if (key == "accesstime")
      header.atime = time();
    else if (key == "changetime")
      header.ctime = time();
    else if (key == "devMajor")
      header.dev_major = small<std::uint32_t>();
    else if (key == "devMinor")
      header.dev_minor = small<std::uint32_t>();
    else if (key == "xattrs")
      xattrs(header);
    else if (key == "digest")
      next.entry.digest = text();
    else if (key == "offset")
      next.offset = integer();
    else if (key == "endOffset")
      next.end_offset = integer();
    else if (key == "chunkSize")
      next.chunk_size = integer();
    else if (key == "chunkOffset")
      next.chunk_offset = integer();
    else if (key == "chunkDigest")
      next.chunk_digest = text();
    else if (key == "chunkType")
      next.chunk_type = text();
    else if (!value(held_))
      fail("is damaged");
  }

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

  void xattrs(TarHeader& header) {
    if (take_word("null")) return;
    if (!take('{')) fail("is damaged");
    if (take('}')) return;
    std::uint64_t bytes = 0;
    do {
      auto key = member();
      auto const base64 = text();
      std::string bytes_of(base64.size() / 4 * 3 + 3, '\0');
      auto const size = base64_decode(base64, reinterpret_cast<std::byte*>(bytes_of.data()));
      if (!size) fail("has an attribute that is not base64");
      bytes_of.resize(*size);
      check_budget(bytes += key.size() + *size, budgets_.xattr_bytes, "attribute bytes");
      header.xattrs.emplace_back(std::move(key), std::move(bytes_of));
    } while (take(','));
    if (!take('}')) fail("is damaged");
    std::ranges::sort(header.xattrs);
    if (std::ranges::adjacent_find(
            header.xattrs, {}, [](auto const& pair) -> auto const& { return pair.first; }) !=
        header.xattrs.end())
      fail("has an attribute twice");
  }

  /// @param from  the file's own object, or a following one of type "chunk"
  void add_piece(TocObject const& from) {
    if (!from.chunk_type.empty() && from.chunk_type != "zeros")
      refuse("has a kind of chunk that is not known");
    last_->entry.pieces.push_back({.offset = static_cast<std::uint64_t>(from.offset),
                                   .end = 0,
                                   .file_offset = static_cast<std::uint64_t>(from.chunk_offset),
                                   .plain_size = static_cast<std::uint64_t>(from.chunk_size),
                                   .digest = from.chunk_digest,
                                   .zeros = from.chunk_type == "zeros"});
  }

  static std::optional<EntryType> type_of(std::string_view word) {
    constexpr std::pair<std::string_view, EntryType> types[] = {
        {"reg", EntryType::regular},      {"hardlink", EntryType::hard_link}, {"symlink", EntryType::symlink},
        {"char", EntryType::char_device}, {"block", EntryType::block_device}, {"dir", EntryType::directory},
        {"fifo", EntryType::fifo}};
    for (auto const& [name, type] : types)
      if (name == word) return type;
    return std::nullopt;
  }

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
  void place_pieces(std::uint64_t end_offset) {
    auto& entry = last_->entry;
    auto const size = static_cast<std::uint64_t>(entry.header.size);
    check_budget(size, budgets_.plain_bytes, "file size");
    check_budget(plain_ += size, budgets_.plain_bytes, "bytes of all files");
    if (entry.digest.empty()) refuse("has a file without a digest");
    std::uint64_t at = 0;
    for (std::size_t i = 0; i < entry.pieces.size(); ++i) {
      auto& piece = entry.pieces[i];
      bool const last = i + 1 == entry.pieces.size();
      piece.end = last ? end_offset : entry.pieces[i + 1].offset;
      if (last && piece.plain_size == 0) piece.plain_size = size - at;  // a single chunk has no size recorded
      if (piece.file_offset != at || piece.plain_size == 0 || piece.plain_size > size - at ||
          piece.end < piece.offset || piece.offset < stream_at_ ||
          (piece.end == piece.offset && !piece.zeros))
        refuse("has chunks that overlap or leave a gap");
      at += piece.plain_size;
      stream_at_ = piece.end;
    }
    if (at != size) refuse("has chunks that are not the whole file");
  }

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

#pragma once

#include <strata/chunked/chunked_toc.hpp>
#include <strata/timestamp.hpp>

namespace strata::archive::detail {

STRATA_INLINE void ChunkedTocReader::fail(std::string const& what) {
  throw Error(Errc::corrupt_archive, "table of contents " + what);
}

STRATA_INLINE void ChunkedTocReader::refuse(std::string const& what) const {
  fail(what + ", entry \"" + (last_ ? last_->entry.header.name : std::string()) + '"');
}

STRATA_INLINE void ChunkedTocReader::check_budget(std::uint64_t value, std::uint64_t limit,
                                                  char const* what) const {
  if (value > limit)
    throw Error(Errc::over_budget,
                std::string("table of contents: ") + what + " above " + std::to_string(limit));
}

STRATA_INLINE std::string ChunkedTocReader::member() {
  std::string_view key;
  if (!string(key, held_) || !take(':')) fail("is damaged");
  return std::string(key);
}

STRATA_INLINE std::string ChunkedTocReader::text() {
  if (take_word("null")) return {};
  std::string_view found;
  if (!string(found, held_)) fail("has something else than a text");
  return std::string(found);
}

STRATA_INLINE std::int64_t ChunkedTocReader::integer() {
  if (take_word("null")) return 0;
  std::int64_t found = 0;
  if (!number(found) || found < 0) fail("has something else than a number");
  return found;
}

STRATA_INLINE std::optional<FileTime> ChunkedTocReader::time() {
  auto const found = text();
  if (found.empty()) return std::nullopt;
  try {
    auto const at = Timestamp::parse(found);
    return FileTime{.seconds = at.seconds, .nanoseconds = at.nanoseconds};
  } catch (Error const&) {
    fail("has a time that is none");
  }
}

STRATA_INLINE TocObject ChunkedTocReader::fields() {
  TocObject next;
  if (!take('{')) fail("is damaged");
  if (take('}')) return next;
  do {
    field(member(), next);
  } while (take(','));
  if (!take('}')) fail("is damaged");
  return next;
}

STRATA_INLINE void ChunkedTocReader::field(std::string const& key, TocObject& next) {
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

STRATA_INLINE void ChunkedTocReader::xattrs(TarHeader& header) {
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

STRATA_INLINE void ChunkedTocReader::add_piece(TocObject const& from) {
  if (!from.chunk_type.empty() && from.chunk_type != "zeros") refuse("has a kind of chunk that is not known");
  last_->entry.pieces.push_back({.offset = static_cast<std::uint64_t>(from.offset),
                                 .end = 0,
                                 .file_offset = static_cast<std::uint64_t>(from.chunk_offset),
                                 .plain_size = static_cast<std::uint64_t>(from.chunk_size),
                                 .digest = from.chunk_digest,
                                 .zeros = from.chunk_type == "zeros"});
}

STRATA_INLINE std::optional<EntryType> ChunkedTocReader::type_of(std::string_view word) {
  constexpr std::pair<std::string_view, EntryType> types[] = {
      {"reg", EntryType::regular},      {"hardlink", EntryType::hard_link}, {"symlink", EntryType::symlink},
      {"char", EntryType::char_device}, {"block", EntryType::block_device}, {"dir", EntryType::directory},
      {"fifo", EntryType::fifo}};
  for (auto const& [name, type] : types)
    if (name == word) return type;
  return std::nullopt;
}

STRATA_INLINE void ChunkedTocReader::place_pieces(std::uint64_t end_offset) {
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
        piece.end < piece.offset || piece.offset < stream_at_ || (piece.end == piece.offset && !piece.zeros))
      refuse("has chunks that overlap or leave a gap");
    at += piece.plain_size;
    stream_at_ = piece.end;
  }
  if (at != size) refuse("has chunks that are not the whole file");
}

}  // namespace strata::archive::detail

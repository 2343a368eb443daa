#pragma once

#include <strata/chunked/chunked_stream.hpp>
#include <strata/codec/zstd.hpp>
#include <strata/concepts/bytes.hpp>

#include <charconv>

namespace strata::archive {

STRATA_INLINE std::optional<std::string> find_annotation(Annotations const& annotations,
                                                         std::string_view key) {
  for (auto const& name :
       {std::string(key), "io." + std::string(key.substr(std::string_view("io.github.").size()))})
    if (auto const found = annotations.find(name); found != annotations.end()) return found->second;
  return std::nullopt;
}

STRATA_INLINE Annotations chunked_annotations(ChunkedResult const& result) {
  auto const place = [](ChunkedPart const& part) {
    return std::to_string(part.offset) + ':' + std::to_string(part.size) + ':' +
           std::to_string(part.plain_size);
  };
  return {{std::string(toc_digest_annotation), result.toc_digest->str()},
          {std::string(toc_position_annotation), place(result.manifest_at) + ":1"},
          {std::string(tar_split_position_annotation), place(result.tar_split_at)}};
}

}  // namespace strata::archive

namespace strata::archive::detail {

STRATA_INLINE std::vector<std::string> read_ranges(Ranges& stream, std::vector<ByteRange> const& ranges) {
  std::vector<std::string> out(ranges.size());
  std::size_t at = 0;
  stream.read(ranges, [&](std::size_t index, Bytes bytes) {
    if (index < at || index >= ranges.size() || bytes.size() > ranges[index].size - out[index].size())
      throw Error(Errc::corrupt_archive, "range source: bytes that were not asked for");
    at = index;
    out[index].append(as_text(bytes));
  });
  for (std::size_t i = 0; i < ranges.size(); ++i)
    if (out[i].size() != ranges[i].size) throw Error(Errc::corrupt_archive, "range source: too few bytes");
  return out;
}

STRATA_INLINE ChunkedPart parse_place(std::string_view text, std::size_t numbers) {
  std::vector<std::uint64_t> values;
  for (std::string_view rest = text; values.size() < numbers;) {
    auto const piece = rest.substr(0, rest.find(':'));
    std::uint64_t value = 0;
    auto const [end, failed] = std::from_chars(piece.data(), piece.data() + piece.size(), value);
    if (failed != std::errc{} || end != piece.data() + piece.size()) break;
    values.push_back(value);
    if (piece.size() == rest.size()) {
      rest = {};
      break;
    }
    rest.remove_prefix(piece.size() + 1);
  }
  if (values.size() != numbers) throw Error(Errc::corrupt_archive, "position \"" + std::string(text) + '"');
  if (numbers == 4 && values[3] != 1)
    throw Error(Errc::unsupported, "table of contents of type " + std::to_string(values[3]));
  return {.offset = values[0], .size = values[1], .plain_size = values[2]};
}

STRATA_INLINE std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 8; i-- > 0;) value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE ChunkedPlaces find_chunked_places(Ranges& stream, Annotations const& annotations) {
  constexpr std::uint64_t footer_size = 64;
  auto const size = stream.size();
  ChunkedPlaces places;
  if (auto const toc = find_annotation(annotations, toc_position_annotation)) {
    places.toc = detail::parse_place(*toc, 4);
    if (auto const split = find_annotation(annotations, tar_split_position_annotation))
      places.tar_split = detail::parse_place(*split, 3);
  } else {
    if (size < footer_size) throw Error(Errc::corrupt_archive, "no zstd:chunked stream: no footer");
    auto const footer = detail::read_ranges(stream, {{size - footer_size, footer_size}}).front();
    std::array<std::uint64_t, 7> numbers{};
    for (std::size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = detail::little_endian(std::string_view(footer).substr(8 * i, 8));
    if (!footer.ends_with("GNUlInUx"))
      throw Error(Errc::corrupt_archive, "no zstd:chunked stream: no footer");
    if (numbers[3] != 1)
      throw Error(Errc::unsupported, "table of contents of type " + std::to_string(numbers[3]));
    places.toc = {.offset = numbers[0], .size = numbers[1], .plain_size = numbers[2]};
    if (numbers[4] != 0)
      places.tar_split = {.offset = numbers[4], .size = numbers[5], .plain_size = numbers[6]};
  }
  auto const check = [&](ChunkedPart const& part) {
    if (part.size == 0 || part.offset > size || part.size > size - part.offset)
      throw Error(Errc::corrupt_archive,
                  "position of the table of contents, in " + std::to_string(size) + " bytes");
  };
  check(places.toc);
  if (places.tar_split) check(*places.tar_split);
  return places;
}

STRATA_INLINE std::string decompress_part(std::string bytes, std::uint64_t plain_size,
                                          std::string_view what) {
  struct Memory {
    std::string text;
    bool done = false;
    Bytes next() { return std::exchange(done, true) ? Bytes{} : as_bytes(text); }
  };
  Source plain = codec::Zstd::decompress(Source(Memory{std::move(bytes)}));
  std::string out;
  for (auto chunk = plain.next(); !chunk.empty(); chunk = plain.next()) {
    if (chunk.size() > plain_size - out.size()) break;
    out.append(as_text(chunk));
  }
  if (out.size() != plain_size)
    throw Error(Errc::corrupt_archive, std::string(what) + " has another length than said");
  return out;
}

STRATA_INLINE ChunkedTables read_chunked_tables(Ranges& stream, ChunkedPlaces const& places,
                                                Digest const& toc_digest, std::uint64_t max_bytes) {
  for (auto const* part : {&places.toc, places.tar_split ? &*places.tar_split : &places.toc})
    if (std::max(part->size, part->plain_size) > max_bytes)
      throw Error(Errc::over_budget, "table of contents above " + std::to_string(max_bytes) + " bytes");
  std::vector<ByteRange> ranges{{places.toc.offset, places.toc.size}};
  if (places.tar_split) {
    ranges.push_back({places.tar_split->offset, places.tar_split->size});
    if (ranges[0].offset < ranges[1].end() && ranges[1].offset < ranges[0].end())
      throw Error(Errc::corrupt_archive, "position of the table of contents: within the tar-split");
    if (ranges[1].offset < ranges[0].offset) std::swap(ranges[0], ranges[1]);
  }
  auto parts = detail::read_ranges(stream, ranges);
  if (ranges.front().offset != places.toc.offset) std::swap(parts[0], parts[1]);
  if (auto const found = Digest::of(as_bytes(parts[0])); found != toc_digest)
    throw Error(Errc::digest_mismatch,
                "table of contents, wanted " + toc_digest.str() + ", got " + found.str());
  ChunkedTables tables{.toc =
                           decompress_part(std::move(parts[0]), places.toc.plain_size, "table of contents")};
  if (parts.size() > 1) tables.tar_split = std::move(parts[1]);
  tables.places = places;
  return tables;
}

}  // namespace strata::archive

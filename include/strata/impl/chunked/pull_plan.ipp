#pragma once

#include <strata/chunked/pull_plan.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <utility>

namespace strata::detail {

STRATA_INLINE PullPlan::PullPlan(archive::ChunkedTables const& tables, std::uint64_t stream_size,
                                 PullOptions const& options)
    : options_(options), control_{{}, options.stop} {
  auto const& limits = options.limits;
  archive::ChunkedBudgets const budgets{.entries = limits.entries,
                                        .path_bytes = limits.path_bytes,
                                        .xattr_bytes = limits.xattr_bytes,
                                        .plain_bytes = limits.plain_bytes};
  auto const tables_at =
      std::min(tables.places.toc.offset,
               tables.places.tar_split ? tables.places.tar_split->offset : tables.places.toc.offset);
  std::unordered_set<std::string> names;
  tar_split_digest_ = archive::read_chunked_toc(tables.toc, budgets, [&](archive::ChunkedEntry&& entry) {
    control_.check();
    if (!names.insert(archive::path_in_tree(entry.header.name)).second)
      throw Error(Errc::corrupt_archive,
                  "duplicates of file paths not supported: \"" + entry.header.name + '"');
    add(std::move(entry), tables_at);
  });
  std::uint64_t plain = 0;
  for (auto const& file : files_) plain += static_cast<std::uint64_t>(file.entry.header.size);
  if (plain > std::uint64_t{1} << 30 && plain / limits.ratio > stream_size)
    throw Error(Errc::over_budget,
                "bytes of all files above " + std::to_string(limits.ratio) + " times those of the stream");
  check_tar_split(tables);
}

STRATA_INLINE void PullPlan::add(archive::ChunkedEntry&& entry, std::uint64_t tables_at) {
  if (!entry.pieces.empty()) {
    Digest::parse(entry.digest);
    if (entry.pieces.back().end > tables_at)
      throw Error(Errc::corrupt_archive, "file \"" + entry.header.name + "\" ends behind the archive");
  }
  for (auto const& piece : entry.pieces)
    if (!piece.digest.empty()) Digest::parse(piece.digest);
  if (entry.header.type == archive::EntryType::hard_link)
    linked_.insert(archive::path_in_tree(entry.header.link_name));
  files_.push_back({.entry = std::move(entry)});
}

STRATA_INLINE void PullPlan::check_tar_split(archive::ChunkedTables const& tables) const {
  if (!has_tar_split()) {
    if (options_.without_tar_split) return;
    throw Error(Errc::unsupported, "a partial pull of a stream without a tar-split");
  }
  if (tables.tar_split.empty()) throw Error(Errc::corrupt_archive, "the tar-split has no position");
  if (auto const found = Digest::of(as_bytes(tables.tar_split)); found != Digest::parse(tar_split_digest_))
    throw Error(Errc::digest_mismatch, "tar-split, wanted " + tar_split_digest_ + ", got " + found.str());
}

STRATA_INLINE void PullPlan::want() {
  for (auto const& file : files_) {
    if (file.entry.pieces.empty()) continue;
    local_.want_file(file.entry.digest);
    for (auto const& piece : file.entry.pieces)
      if (!piece.digest.empty() && !piece.zeros) local_.want_chunk(piece.digest);
  }
}

STRATA_INLINE LocalPlace const* PullPlan::find(std::span<LocalPlace const> places, std::uint64_t size,
                                               std::string const& digest) const {
  for (auto const& place : places)
    if (place.size == size)
      if (auto const found = digest_of_place(place, control_); found && found->str() == digest) return &place;
  return nullptr;
}

STRATA_INLINE void PullPlan::match() {
  for (auto& file : files_)
    if (!file.entry.pieces.empty()) match(file);
}

STRATA_INLINE void PullPlan::match(FilePlan& file) {
  auto const& entry = file.entry;
  auto const size = static_cast<std::uint64_t>(entry.header.size);
  ++report_.files;
  report_.bytes += size;
  file.whole = find(local_.file(entry.digest), size, entry.digest);
  if (file.whole != nullptr) {
    ++report_.reused_files;
    report_.reused_bytes += size;
    return;
  }
  for (auto const& piece : entry.pieces) {
    auto const* const place = piece.zeros || piece.digest.empty()
                                  ? nullptr
                                  : find(local_.chunk(piece.digest), piece.plain_size, piece.digest);
    if (place != nullptr) report_.reused_bytes += piece.plain_size;
    file.pieces.push_back({.piece = piece, .local = place});
  }
}

STRATA_INLINE std::vector<ByteRange> PullPlan::wanted() const {
  std::vector<ByteRange> ranges;
  for (auto const& file : files_)
    for (auto const& [piece, local] : file.pieces)
      if (local == nullptr && !piece.zeros) ranges.push_back({piece.offset, piece.end - piece.offset});
  return ranges;
}

STRATA_INLINE bool PullPlan::is_linked(std::string_view name) const {
  return linked_.contains(archive::path_in_tree(name));
}

}  // namespace strata::detail

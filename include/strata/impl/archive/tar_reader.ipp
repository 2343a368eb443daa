#pragma once

#include <strata/archive/tar_block.hpp>
#include <strata/archive/tar_reader.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE bool TarReader::next(TarHeader& header) {
  if (ended_) return false;
  skip_payload();
  map_.reset();
  extended_.clear();
  std::uint64_t extra = 0;
  while (skip_padding()) {
    header_at_ = offset();
    Bytes const block = take_block();
    if (block.empty()) break;
    if (is_zero(block)) {
      Bytes const second = take_block();
      if (!second.empty() && !is_zero(second)) throw invalid("one zero block among headers");
      break;
    }
    char const type = located([&] { return read_tar_block(block, header); });
    if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
      auto& data = extended_.data_of(type);
      extra += tar_block + static_cast<std::uint64_t>(header.size);
      if (extra > budgets_.header_bytes) throw over("header bytes", budgets_.header_bytes);
      read_data(data, header.size);
      if (type == 'x' || type == 'g') located([&] { for_each_pax_record(extended_.pax, [](auto, auto) {}); });
      if (type == 'g') {
        flush_raw();
        if (observer_ != nullptr) observer_->global_header(header.name);
        // Go's reader returns it as an entry, so that pending extended headers are dropped.
        extended_.clear();
        extra = 0;
      }
      continue;
    }
    left_ = static_cast<std::uint64_t>(header.size);
    if (type == 'S') read_gnu_map(block, header);
    finish_header(type, header);
    if (++entries_ > budgets_.entries) throw over("entries", budgets_.entries);
    flush_raw();
    if (observer_ != nullptr) observer_->entry(header);
    return true;
  }
  finish_input();
  return false;
}

STRATA_INLINE Bytes TarReader::next() {
  if (map_) return next_of_map();
  auto const part = stored(left_);
  if (part.empty()) return part;
  told_ = at_;
  if (observer_ != nullptr) observer_->payload(part);
  return part;
}

STRATA_INLINE std::uint64_t TarReader::pass_hole() {
  auto const size = map_ ? map_->hole() : 0;
  if (size != 0) map_->pass(size);
  return size;
}

STRATA_INLINE std::size_t TarReader::padding_of(std::uint64_t size) {
  return static_cast<std::size_t>((tar_block - size % tar_block) % tar_block);
}

STRATA_INLINE bool TarReader::is_zero(Bytes block) {
  return block[0] == std::byte{0} && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
}

STRATA_INLINE Error TarReader::damaged(std::string const& what) const {
  return Error(Errc::corrupt_archive, what + ", header at byte " + std::to_string(header_at_));
}

STRATA_INLINE Error TarReader::over(std::string const& what, std::uint64_t limit) {
  return Error(Errc::over_budget, "archive: " + what + " above " + std::to_string(limit));
}

STRATA_INLINE void TarReader::flush_raw() {
  if (observer_ != nullptr && told_ < at_) observer_->raw(chunk_.subspan(told_, at_ - told_));
  told_ = at_;
}

STRATA_INLINE bool TarReader::fill() {
  flush_raw();
  before_ += chunk_.size();
  at_ = told_ = 0;
  chunk_ = in_.next();
  return !chunk_.empty();
}

STRATA_INLINE Bytes TarReader::stored(std::uint64_t most) {
  most = std::min(most, left_);
  if (most == 0) return {};
  if (at_ == chunk_.size() && !fill()) throw cut_off("an entry's data");
  auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(most, chunk_.size() - at_));
  at_ += n;
  left_ -= n;
  return chunk_.subspan(at_ - n, n);
}

STRATA_INLINE Bytes TarReader::next_of_map() {
  auto const part =
      map_->hole() != 0
          ? Bytes(zeros).first(static_cast<std::size_t>(std::min<std::uint64_t>(map_->hole(), zeros.size())))
          : stored(map_->data());
  map_->pass(part.size());
  return part;
}

STRATA_INLINE void TarReader::skip_payload() {
  if (map_)
    while (left_ != 0) static_cast<void>(stored(left_));
  else
    while (left_ != 0) static_cast<void>(next());
}

STRATA_INLINE bool TarReader::skip_padding() {
  while (padding_ != 0) {
    if (at_ == chunk_.size() && !fill()) return false;
    auto const n = std::min(padding_, chunk_.size() - at_);
    at_ += n;
    padding_ -= n;
  }
  return true;
}

STRATA_INLINE Bytes TarReader::take_block() {
  if (at_ == chunk_.size() && !fill()) return {};
  if (chunk_.size() - at_ >= tar_block) {
    at_ += tar_block;
    return chunk_.subspan(at_ - tar_block, tar_block);
  }
  std::size_t have = 0;
  while (have < tar_block) {
    if (at_ == chunk_.size() && !fill()) throw cut_off("a header");
    auto const n = std::min(tar_block - have, chunk_.size() - at_);
    std::memcpy(split_.data() + have, chunk_.data() + at_, n);
    at_ += n;
    have += n;
  }
  return split_;
}

STRATA_INLINE void TarReader::read_data(std::string& data, std::int64_t size) {
  data.clear();
  auto rest = static_cast<std::size_t>(size);  // within the header budget
  padding_ = padding_of(rest);
  while (rest != 0) {
    if (at_ == chunk_.size() && !fill()) throw cut_off("an extended header");
    auto const n = std::min(rest, chunk_.size() - at_);
    data += as_text(chunk_.subspan(at_, n));
    at_ += n;
    rest -= n;
  }
}

STRATA_INLINE void TarReader::finish_input() {
  ended_ = true;
  flush_raw();
  if (observer_ != nullptr) observer_->end_marker();
  at_ = chunk_.size();
  while (fill()) at_ = chunk_.size();
}

STRATA_INLINE Bytes TarReader::take_block_of(std::string const& what) {
  auto const block = take_block();
  if (block.empty()) throw cut_off(what);
  return block;
}

/// Reads the sparse map of an entry of type 'S', including the extension blocks that follow its header.
STRATA_INLINE void TarReader::read_gnu_map(Bytes block, TarHeader& header) {
  if (!is_gnu_block(block)) throw invalid("a sparse file in another format than GNU's");
  located([&] {
    header.size = read_number(detail::field_of(block, detail::field_gnu_real_size));
    read_gnu_sparse_map(
        block, [&] { return take_block_of("the map of a sparse file"); },
        map_.emplace(budgets_.sparse_regions));
  });
}

STRATA_INLINE void TarReader::read_pax_map(SparseRecords const& records, TarHeader& header) {
  auto const where = records.where();
  if (where == SparseRecords::Map::none) return;
  if (!records.name.empty()) header.name = records.name;
  located([&] {
    if (auto const size = records.whole_size(); !size.empty()) header.size = read_decimal(size);
    auto& map = map_.emplace(budgets_.sparse_regions);
    if (where == SparseRecords::Map::in_header) return records.read(map);
    read_sparse_map(
        [&] {
          if (left_ < tar_block) throw cut_off("the map of a sparse file");
          left_ -= tar_block;
          return take_block_of("the map of a sparse file");
        },
        map);
  });
}

/// Checks that the sparse map, the file's size and the stored size agree.
STRATA_INLINE void TarReader::start_map(TarHeader& header) {
  if (header.type != EntryType::regular) throw invalid("a sparse file that is none");
  located([&] { map_->start(header.size); });
  if (map_->stored() > left_) throw invalid("sparse file references non-existent data");
  if (map_->stored() < left_) throw invalid("sparse file contains unreferenced data");
  sparse_bytes_ += static_cast<std::uint64_t>(header.size);
  if (sparse_bytes_ > budgets_.sparse_bytes) throw over("bytes of sparse files", budgets_.sparse_bytes);
  header.sparse = true;
}

/// Applies the extended headers and determines the entry's type and stored size.
STRATA_INLINE void TarReader::finish_header(char type, TarHeader& header) {
  auto const said = located([&] { return extended_.bring_into(header, budgets_.xattr_bytes); });
  header.uid = detail::owner_of(header.uid);
  header.gid = detail::owner_of(header.gid);
  if (said.size && *said.size < 0) throw invalid("a negative size");
  if (said.size) left_ = static_cast<std::uint64_t>(*said.size);

  auto const is_entry = [](char c) { return c >= '0' && c <= '6'; };
  if (type == '\0') type = header.name.ends_with('/') ? '5' : '0';
  if (type == 'S' || type == '7') type = '0';  // "contiguous" is a regular file on all but a few old systems
  header.type = static_cast<EntryType>(is_entry(type) ? type : '0');
  if (header.type != EntryType::regular) left_ = 0;  // some writers give a hard link the size of its file
  padding_ = padding_of(left_);
  if (!map_) {
    header.size = static_cast<std::int64_t>(left_);
    read_pax_map(said.sparse, header);
  }
  if (map_) start_map(header);
  if (header.name.size() > budgets_.path_bytes) throw over("bytes of a name", budgets_.path_bytes);
  if (header.link_name.size() > budgets_.path_bytes) throw over("bytes of a link name", budgets_.path_bytes);
  if (is_entry(type)) return;
  auto const flag = static_cast<unsigned char>(type);
  auto const shown = flag > 0x20 && flag < 0x7f ? std::string(1, type) : std::to_string(flag);
  throw Error(Errc::unsupported, "entry " + header.name + " of type '" + shown + "' in an archive");
}

}  // namespace strata::archive

#pragma once

#include <strata/archive/extended_headers.hpp>
#include <strata/archive/sparse_body.hpp>
#include <strata/archive/sparse_map.hpp>
#include <strata/archive/tar_block.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

/// Limits on what an archive may make a reader do; `Errc::over_budget` beyond them.
struct TarBudgets {
  std::uint64_t header_bytes = 1U << 20U;  ///< PAX headers and GNU long names before one entry
  std::uint64_t path_bytes = 4096;         ///< a name or link name
  std::uint64_t xattr_bytes = 1U << 20U;   ///< keys and values of one entry
  std::uint64_t entries = 1U << 22U;
  std::uint64_t sparse_regions = 1U << 19U;  ///< of one sparse file
  /// Sum of the sizes of all sparse files, holes included. Holes take no space, but every reader has to
  /// process them.
  std::uint64_t sparse_bytes = std::uint64_t{256} << 30U;
};

/// For archives that were already imported, under whatever limits applied then.
inline constexpr TarBudgets no_budgets{.header_bytes = ~std::uint64_t{0},
                                       .path_bytes = ~std::uint64_t{0},
                                       .xattr_bytes = ~std::uint64_t{0},
                                       .entries = ~std::uint64_t{0},
                                       .sparse_regions = ~std::uint64_t{0},
                                       .sparse_bytes = ~std::uint64_t{0}};

/// Observes an archive byte for byte, in order: raw bytes, an entry, its payload, raw bytes (its padding and
/// the next header), and so on. The stored data of a sparse file is reported as raw bytes, as it is not the
/// file's contents.
class TarObserver {
 public:
  virtual ~TarObserver() = default;
  /// Bytes that are not payload; may come in several pieces between two other calls.
  virtual void raw(Bytes bytes) = 0;
  /// An entry, after all bytes up to and including its header were reported. Its payload follows.
  virtual void entry(TarHeader const& header) = 0;
  /// Bytes of the current entry's payload.
  virtual void payload(Bytes bytes) = 0;
  /// A PAX global header ("pax_global_header") and its data, without padding, were reported.
  virtual void global_header(std::string_view /*name*/) {}
  /// The end marker was reported; everything from now on is trailing data.
  virtual void end_marker() {}
};

/// Reads a tar archive: v7, ustar, PAX, GNU and star headers, as leniently as Go's archive/tar, so that both
/// accept the same layers. Skips PAX global headers. The archive ends at two zero blocks, or where the input
/// ends between entries.
///
/// As a `Reader` it returns the current entry's payload, as views of its input's chunks without copying;
/// sparse files (PAX 0.0, 0.1, 1.0 and GNU) are returned expanded. `next(header)` skips what was not read.
/// Memory: one header with its names, within the budgets. Not safe for concurrent use.
///
///     archive::TarReader tar(input);
///     for (archive::TarHeader header; tar.next(header);) use(header, tar);
class TarReader final : public SparseBody {
 public:
  /// @param in the archive, uncompressed; must outlive the object
  /// @param observer receives every byte of the archive; may be null
  explicit TarReader(Reader& in, TarBudgets budgets = {}, TarObserver* observer = nullptr)
      : in_(in), budgets_(budgets), observer_(observer) {}
  TarReader(TarReader const&) = delete;
  TarReader& operator=(TarReader const&) = delete;

  /// Advances to the next entry. Returns false at the end of the archive, after reading the input to its end,
  /// including trailing data.
  /// @throws `Errc::corrupt_archive` (with the offset), `Errc::over_budget`; `Errc::unsupported` for an entry
  ///   type not in `EntryType`
  bool next(TarHeader& header) {
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
        if (type == 'x' || type == 'g')
          located([&] { for_each_pax_record(extended_.pax, [](auto, auto) {}); });
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

  /// The next bytes of the current entry's payload; empty at its end.
  Bytes next() override {
    if (map_) return next_of_map();
    auto const part = stored(left_);
    if (part.empty()) return part;
    told_ = at_;
    if (observer_ != nullptr) observer_->payload(part);
    return part;
  }

  std::uint64_t pass_hole() override {
    auto const size = map_ ? map_->hole() : 0;
    if (size != 0) map_->pass(size);
    return size;
  }

  std::uint64_t entries() const noexcept { return entries_; }
  /// Number of input bytes consumed.
  std::uint64_t offset() const noexcept { return before_ + at_; }

 private:
  static std::size_t padding_of(std::uint64_t size) {
    return static_cast<std::size_t>((tar_block - size % tar_block) % tar_block);
  }
  static bool is_zero(Bytes block) {
    return block[0] == std::byte{0} && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
  }
  // Scripts match Go's wording of the two kinds of damage.
  Error damaged(std::string const& what) const {
    return Error(Errc::corrupt_archive, what + ", header at byte " + std::to_string(header_at_));
  }
  Error invalid(std::string const& what) const { return damaged("invalid tar header: " + what); }
  Error cut_off(std::string const& where) const { return damaged("unexpected EOF within " + where); }
  /// Runs `read()` and adds the header's offset to the errors it throws.
  template <class Read>
  auto located(Read const& read) const -> decltype(read()) {
    try {
      return read();
    } catch (Error const& e) {
      if (e.code() != Errc::corrupt_archive || e.subject().starts_with("unexpected EOF")) throw;
      throw invalid(e.subject());
    }
  }
  static Error over(std::string const& what, std::uint64_t limit) {
    return Error(Errc::over_budget, "archive: " + what + " above " + std::to_string(limit));
  }

  void flush_raw() {
    if (observer_ != nullptr && told_ < at_) observer_->raw(chunk_.subspan(told_, at_ - told_));
    told_ = at_;
  }
  /// Fetches the next chunk of the input. Requires that the current one is used up.
  bool fill() {
    flush_raw();
    before_ += chunk_.size();
    at_ = told_ = 0;
    chunk_ = in_.next();
    return !chunk_.empty();
  }
  /// Up to `most` bytes of what the archive stores for the current entry.
  Bytes stored(std::uint64_t most) {
    most = std::min(most, left_);
    if (most == 0) return {};
    if (at_ == chunk_.size() && !fill()) throw cut_off("an entry's data");
    auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(most, chunk_.size() - at_));
    at_ += n;
    left_ -= n;
    return chunk_.subspan(at_ - n, n);
  }
  Bytes next_of_map() {
    auto const part = map_->hole() != 0 ? Bytes(zeros).first(static_cast<std::size_t>(
                                              std::min<std::uint64_t>(map_->hole(), zeros.size())))
                                        : stored(map_->data());
    map_->pass(part.size());
    return part;
  }
  void skip_payload() {
    if (map_)
      while (left_ != 0) static_cast<void>(stored(left_));
    else
      while (left_ != 0) static_cast<void>(next());
  }
  /// False if the input ends first: the last entry's padding may be missing.
  bool skip_padding() {
    while (padding_ != 0) {
      if (at_ == chunk_.size() && !fill()) return false;
      auto const n = std::min(padding_, chunk_.size() - at_);
      at_ += n;
      padding_ -= n;
    }
    return true;
  }
  /// 512 contiguous bytes; empty at the end of the input.
  Bytes take_block() {
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
  void read_data(std::string& data, std::int64_t size) {
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
  void finish_input() {
    ended_ = true;
    flush_raw();
    if (observer_ != nullptr) observer_->end_marker();
    at_ = chunk_.size();
    while (fill()) at_ = chunk_.size();
  }

  Bytes take_block_of(std::string const& what) {
    auto const block = take_block();
    if (block.empty()) throw cut_off(what);
    return block;
  }
  void read_gnu_map(Bytes block, TarHeader& header);
  void finish_header(char type, TarHeader& header);
  void read_pax_map(SparseRecords const& records, TarHeader& header);
  void start_map(TarHeader& header);

  static constexpr std::array<std::byte, std::size_t{64} << 10U> zeros{};
  Reader& in_;
  TarBudgets budgets_;
  TarObserver* observer_;
  Bytes chunk_ = {};
  std::size_t at_ = 0;        // first byte of chunk_ not consumed
  std::size_t told_ = 0;      // first byte of chunk_ not reported to the observer
  std::uint64_t before_ = 0;  // bytes of the chunks before chunk_
  std::uint64_t header_at_ = 0;
  std::uint64_t left_ = 0;             // stored bytes of the current entry that were not read
  std::size_t padding_ = 0;            // after it
  std::optional<SparseMap> map_ = {};  // of the current entry, if it is sparse
  std::uint64_t sparse_bytes_ = 0;
  std::uint64_t entries_ = 0;
  bool ended_ = false;
  std::array<std::byte, tar_block> split_ = {};  // a header that spans two chunks
  ExtendedHeaders extended_ = {};
};

/// Reads the sparse map of an entry of type 'S', including the extension blocks that follow its header.
inline void TarReader::read_gnu_map(Bytes block, TarHeader& header) {
  if (!is_gnu_block(block)) throw invalid("a sparse file in another format than GNU's");
  located([&] {
    header.size = read_number(detail::field_of(block, detail::field_gnu_real_size));
    read_gnu_sparse_map(
        block, [&] { return take_block_of("the map of a sparse file"); },
        map_.emplace(budgets_.sparse_regions));
  });
}

inline void TarReader::read_pax_map(SparseRecords const& records, TarHeader& header) {
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
inline void TarReader::start_map(TarHeader& header) {
  if (header.type != EntryType::regular) throw invalid("a sparse file that is none");
  located([&] { map_->start(header.size); });
  if (map_->stored() > left_) throw invalid("sparse file references non-existent data");
  if (map_->stored() < left_) throw invalid("sparse file contains unreferenced data");
  sparse_bytes_ += static_cast<std::uint64_t>(header.size);
  if (sparse_bytes_ > budgets_.sparse_bytes) throw over("bytes of sparse files", budgets_.sparse_bytes);
  header.sparse = true;
}

/// Applies the extended headers and determines the entry's type and stored size.
inline void TarReader::finish_header(char type, TarHeader& header) {
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

#pragma once

#include <strata/archive/extended_headers.hpp>
#include <strata/archive/sparse_body.hpp>
#include <strata/archive/sparse_map.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

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
  bool next(TarHeader& header);

  /// The next bytes of the current entry's payload; empty at its end.
  Bytes next() override;

  std::uint64_t pass_hole() override;

  std::uint64_t entries() const noexcept { return entries_; }
  /// Number of input bytes consumed.
  std::uint64_t offset() const noexcept { return before_ + at_; }

 private:
  static std::size_t padding_of(std::uint64_t size);
  static bool is_zero(Bytes block);
  // Scripts match Go's wording of the two kinds of damage.
  Error damaged(std::string const& what) const;
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
  static Error over(std::string const& what, std::uint64_t limit);

  void flush_raw();
  /// Fetches the next chunk of the input. Requires that the current one is used up.
  bool fill();
  /// Up to `most` bytes of what the archive stores for the current entry.
  Bytes stored(std::uint64_t most);
  Bytes next_of_map();
  void skip_payload();
  /// False if the input ends first: the last entry's padding may be missing.
  bool skip_padding();
  /// 512 contiguous bytes; empty at the end of the input.
  Bytes take_block();
  void read_data(std::string& data, std::int64_t size);
  void finish_input();

  Bytes take_block_of(std::string const& what);
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

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_reader.ipp>
#endif

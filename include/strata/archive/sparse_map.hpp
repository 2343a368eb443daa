#pragma once

#include <strata/archive/tar_number.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Sparse files in archives: only the data between the holes is stored, with a map of its positions.
namespace strata::archive {

/// The data regions of a sparse file, validated like Go's archive/tar, and a position in the file.
///
/// Memory: 16 bytes per region, within the budget. Not safe for concurrent modification.
class SparseMap {
 public:
  /// @param most maximum number of regions
  explicit SparseMap(std::uint64_t most) : most_(most) {}

  /// Adds a region behind the others. Offset and length in bytes.
  /// @throws `Errc::corrupt_archive`: negative, beyond 63 bits, or overlapping the previous region;
  ///   `Errc::over_budget`
  void add(std::int64_t offset, std::int64_t length);

  /// Sets the file size in bytes and the position to 0.
  /// @throws `Errc::corrupt_archive` if a region extends beyond the file
  void start(std::int64_t size);

  /// Sum of the sizes of all regions.
  std::uint64_t stored() const noexcept { return stored_; }
  /// Bytes of the hole at the current position; 0 within data and at the end.
  std::uint64_t hole() const noexcept;
  /// Bytes of data up to the next hole; 0 within a hole and at the end.
  std::uint64_t data() const noexcept;
  /// Advances by `count` bytes, at most `hole()` or `data()`.
  void pass(std::uint64_t count) noexcept;

 private:
  struct Region {
    std::uint64_t start;
    std::uint64_t end;
  };
  static Error bad() { return Error(Errc::corrupt_archive, "map of a sparse file"); }

  std::uint64_t most_;
  std::vector<Region> regions_ = {};
  std::uint64_t end_ = 0;  // of the last region
  std::uint64_t stored_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::size_t region_ = 0;  // the region that contains or follows `at_`
};

/// The PAX records of an entry about holes (GNU tar manual, "Storing Sparse Files"). Unknown versions are
/// treated as normal files, as in Go.
struct SparseRecords {
  std::string_view major = {}, minor = {}, name = {}, size = {}, real_size = {}, count = {}, map = {};
  std::vector<std::string_view> pairs = {};  ///< version 0.0: alternating offsets and lengths

  /// Stores a record whose key starts with "GNU.sparse."; the last one of a key counts.
  void take(std::string_view key, std::string_view value);

  /// Where the sparse map is stored.
  enum class Map {
    none,       ///< not a sparse file
    in_header,  ///< versions 0.0 and 0.1
    in_data,    ///< version 1.0: before the stored data
  };
  Map where() const noexcept;
  /// The expanded file size; empty if not given.
  std::string_view whole_size() const noexcept { return size.empty() ? real_size : size; }

  /// Reads the map of versions 0.0 and 0.1.
  /// @throws `Errc::corrupt_archive`; exceptions of `SparseMap::add`
  void read(SparseMap& to) const;

 private:
  static std::string_view take_number(std::string_view& rest);
};

/// Reads the map of version 1.0: decimal numbers, each ended by a newline: the number of regions, then the
/// offset and length of each; padded to whole blocks.
/// @param next_block returns the next 512 stored bytes of the entry, or throws
template <class NextBlock>
void read_sparse_map(NextBlock&& next_block, SparseMap& to) {
  Bytes block = {};
  auto const number = [&] {
    std::array<char, 24> digits{};
    for (std::size_t n = 0;; ++n) {
      if (block.empty()) block = next_block();
      char const c = static_cast<char>(block.front());
      block = block.subspan(1);
      if (c == '\n') return read_decimal({digits.data(), n});
      if (n == digits.size()) throw Error(Errc::corrupt_archive, "number in the map of a sparse file");
      digits[n] = c;
    }
  };
  auto const count = number();
  if (count < 0) throw Error(Errc::corrupt_archive, "number of a sparse file's regions");
  for (std::int64_t i = 0; i < count; ++i) {
    auto const offset = number();
    to.add(offset, number());
  }
}

/// Reads the map of GNU's old format, type 'S': four regions in the header, 21 in each following block.
/// @param header the header block; the first call of `next_block` may invalidate it
/// @param next_block returns the next 512 bytes of the archive, or throws
template <class NextBlock>
void read_gnu_sparse_map(Bytes header, NextBlock&& next_block, SparseMap& to) {
  constexpr std::size_t number_bytes = 12;
  auto const read = [&](Bytes list, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto const offset = list.subspan(2 * i * number_bytes, number_bytes);
      if (offset[0] == std::byte{0}) break;
      to.add(read_number(offset), read_number(list.subspan((2 * i + 1) * number_bytes, number_bytes)));
    }
    return list[2 * count * number_bytes] != std::byte{0};  // true if another block follows
  };
  bool more = read(header.subspan(386), 4);
  while (more) more = read(next_block(), 21);
}

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/sparse_map.ipp>
#endif

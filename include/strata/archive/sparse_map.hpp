#pragma once

#include <strata/archive/tar_number.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Files with holes in an archive: only what stands between the holes is stored, and a map says where it belongs.
namespace strata::archive {

/// Where the stored bytes of a file belong, checked as Go's archive/tar does, and how far one has come in it.
///
/// Memory: 16 bytes a region, within the budget.
class SparseMap {
 public:
  /// @param most  regions that are taken
  explicit SparseMap(std::uint64_t most) : most_(most) {}

  /// One more region, behind the others.
  /// @throws `Errc::corrupt_archive`: negative, beyond 63 bits, or before the end of the last one; `Errc::over_budget`
  void add(std::int64_t offset, std::int64_t length) {
    if (offset < 0 || length < 0 || offset > std::numeric_limits<std::int64_t>::max() - length) throw bad();
    auto const start = static_cast<std::uint64_t>(offset);
    if (start < end_) throw bad();
    if (regions_.size() == most_)
      throw Error(Errc::over_budget, "archive: regions of a sparse file above " + std::to_string(most_));
    end_ = start + static_cast<std::uint64_t>(length);
    stored_ += static_cast<std::uint64_t>(length);
    if (length != 0) regions_.push_back({start, end_});
  }

  /// Begins to go through a file of that size.
  /// @throws `Errc::corrupt_archive`: a region reaches beyond its end
  void start(std::int64_t size) {
    if (size < 0 || end_ > static_cast<std::uint64_t>(size)) throw bad();
    size_ = static_cast<std::uint64_t>(size);
    at_ = 0;
    region_ = 0;
  }

  /// Bytes of all regions.
  std::uint64_t stored() const noexcept { return stored_; }
  /// Bytes of the hole that begins here; 0 within data and at the end.
  std::uint64_t hole() const noexcept {
    return region_ == regions_.size() ? size_ - at_
                                      : regions_[region_].start - std::min(at_, regions_[region_].start);
  }
  /// Bytes of data before the next hole; 0 within a hole and at the end.
  std::uint64_t data() const noexcept {
    return region_ == regions_.size() || at_ < regions_[region_].start ? 0 : regions_[region_].end - at_;
  }
  /// Goes on by so many bytes, no more than `hole()` or `data()` says.
  void pass(std::uint64_t count) noexcept {
    at_ += count;
    if (region_ != regions_.size() && at_ == regions_[region_].end) ++region_;
  }

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
  std::size_t region_ = 0;  // the one that `at_` is in or before
};

/// What the PAX records of one entry say of holes: GNU tar's manual, "Storing Sparse Files"; what is not known there is a file
/// like any other, as in Go.
struct SparseRecords {
  std::string_view major = {}, minor = {}, name = {}, size = {}, real_size = {}, count = {}, map = {};
  std::vector<std::string_view> pairs = {};  ///< of version 0.0: an offset and a length each

  /// Takes a record whose key starts with "GNU.sparse."; the last one of a key counts.
  void take(std::string_view key, std::string_view value) {
    constexpr std::string_view prefix = "GNU.sparse.";
    key.remove_prefix(prefix.size());
    if (key == "major") major = value;
    if (key == "minor") minor = value;
    if (key == "name") name = value;
    if (key == "size") size = value;
    if (key == "realsize") real_size = value;
    if (key == "numblocks") count = value;
    if (key == "map") map = value;
    if (key == "offset" || key == "numbytes") pairs.push_back(value);
  }

  enum class Map {
    none,       ///< the entry has no holes
    in_header,  ///< versions 0.0 and 0.1
    in_data,    ///< version 1.0: in front of the stored bytes
  };
  Map where() const noexcept {
    if (major == "0" && (minor == "0" || minor == "1")) return Map::in_header;
    if (major == "1" && minor == "0") return Map::in_data;
    if (!major.empty() || !minor.empty()) return Map::none;
    return map.empty() && pairs.empty() ? Map::none : Map::in_header;
  }
  /// The file's own, empty if none is told.
  std::string_view whole_size() const noexcept { return size.empty() ? real_size : size; }

  /// The map of versions 0.0 and 0.1.
  /// @throws `Errc::corrupt_archive`; what `SparseMap::add` does
  void read(SparseMap& to) const {
    auto const wanted = read_decimal(count);
    std::int64_t found = 0;
    auto const add = [&](std::string_view offset, std::string_view length) {
      to.add(read_decimal(offset), read_decimal(length));
      ++found;
    };
    if (!pairs.empty()) {
      for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) add(pairs[i], pairs[i + 1]);
    } else {
      for (auto rest = map; !rest.empty();) {
        auto const first = take_number(rest);
        add(first, take_number(rest));
      }
      if (map.ends_with(',')) ++found;  // there is one more, which is empty
    }
    if (found != wanted || pairs.size() % 2 != 0)
      throw Error(Errc::corrupt_archive, "number of a sparse file's regions");
  }

 private:
  static std::string_view take_number(std::string_view& rest) {
    auto const number = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), number.size() + 1));
    return number;
  }
};

/// Reads the map of version 1.0: decimal numbers with a newline each, how many regions there are, then offset and length of
/// each, padded with anything to whole blocks.
/// @param next_block  gives the next 512 bytes of what the entry stores, or throws
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

/// Reads the map of GNU's own format, type 'S': four regions in the header, 21 in each block that follows it.
/// @param header      the header's block; what it points at may go with the first call of `next_block`
/// @param next_block  gives the next 512 bytes of the archive, or throws
template <class NextBlock>
void read_gnu_sparse_map(Bytes header, NextBlock&& next_block, SparseMap& to) {
  constexpr std::size_t number_bytes = 12;
  auto const read = [&](Bytes list, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto const offset = list.subspan(2 * i * number_bytes, number_bytes);
      if (offset[0] == std::byte{0}) break;
      to.add(read_number(offset), read_number(list.subspan((2 * i + 1) * number_bytes, number_bytes)));
    }
    return list[2 * count * number_bytes] != std::byte{0};  // is there one more block?
  };
  bool more = read(header.subspan(386), 4);
  while (more) more = read(next_block(), 21);
}

}  // namespace strata::archive

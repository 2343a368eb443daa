#pragma once

#include <strata/archive/sparse_map.hpp>

namespace strata::archive {

STRATA_INLINE void SparseMap::add(std::int64_t offset, std::int64_t length) {
  if (offset < 0 || length < 0 || offset > std::numeric_limits<std::int64_t>::max() - length) throw bad();
  auto const start = static_cast<std::uint64_t>(offset);
  if (start < end_) throw bad();
  if (regions_.size() == most_)
    throw Error(Errc::over_budget, "archive: regions of a sparse file above " + std::to_string(most_));
  end_ = start + static_cast<std::uint64_t>(length);
  stored_ += static_cast<std::uint64_t>(length);
  if (length != 0) regions_.push_back({start, end_});
}

STRATA_INLINE void SparseMap::start(std::int64_t size) {
  if (size < 0 || end_ > static_cast<std::uint64_t>(size)) throw bad();
  size_ = static_cast<std::uint64_t>(size);
  at_ = 0;
  region_ = 0;
}

STRATA_INLINE std::uint64_t SparseMap::hole() const noexcept {
  return region_ == regions_.size() ? size_ - at_
                                    : regions_[region_].start - std::min(at_, regions_[region_].start);
}

STRATA_INLINE std::uint64_t SparseMap::data() const noexcept {
  return region_ == regions_.size() || at_ < regions_[region_].start ? 0 : regions_[region_].end - at_;
}

STRATA_INLINE void SparseMap::pass(std::uint64_t count) noexcept {
  at_ += count;
  if (region_ != regions_.size() && at_ == regions_[region_].end) ++region_;
}

STRATA_INLINE void SparseRecords::take(std::string_view key, std::string_view value) {
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

STRATA_INLINE auto SparseRecords::where() const noexcept -> Map {
  if (major == "0" && (minor == "0" || minor == "1")) return Map::in_header;
  if (major == "1" && minor == "0") return Map::in_data;
  if (!major.empty() || !minor.empty()) return Map::none;
  return map.empty() && pairs.empty() ? Map::none : Map::in_header;
}

STRATA_INLINE void SparseRecords::read(SparseMap& to) const {
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
    if (map.ends_with(',')) ++found;  // a trailing comma is one more, empty number
  }
  if (found != wanted || pairs.size() % 2 != 0)
    throw Error(Errc::corrupt_archive, "number of a sparse file's regions");
}

STRATA_INLINE std::string_view SparseRecords::take_number(std::string_view& rest) {
  auto const number = rest.substr(0, rest.find(','));
  rest.remove_prefix(std::min(rest.size(), number.size() + 1));
  return number;
}

}  // namespace strata::archive

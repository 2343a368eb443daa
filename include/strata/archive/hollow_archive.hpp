#pragma once

#include <strata/archive/tar_split.hpp>
#include <strata/concepts/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace strata::archive {

/// The archive that a tar-split file tells of with zeros in place of the files' contents: for a `TarReader` that is asked
/// for headers only. Needs no layer, and reads no byte of one.
/// @throws `Errc::corrupt_tar_split`, as `assemble`
class HollowArchive final : public Reader {
 public:
  /// @param tar_split_gz  must live as long
  explicit HollowArchive(Reader& tar_split_gz) : lines_(tar_split_gz) {}

  Bytes next() override {
    while (true) {
      if (zeros_left_ != 0) {
        auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(zeros_left_, zeros.size()));
        zeros_left_ -= count;
        return Bytes(zeros).first(count);
      }
      if (in_segment_) {
        buffer_.resize(std::max(buffer_.size(), lines_.segment_room()));
        if (auto const count = lines_.segment(buffer_.data())) return Bytes(buffer_).first(count);
        in_segment_ = false;
      }
      if (!lines_.next()) return {};
      if (lines_.is_file())
        zeros_left_ = lines_.size();
      else
        in_segment_ = true;
    }
  }

 private:
  static constexpr std::array<std::byte, 64U * 1024> zeros{};
  detail::TarSplitReader lines_;
  std::vector<std::byte> buffer_ = {};
  std::uint64_t zeros_left_ = 0;
  bool in_segment_ = false;
};

}  // namespace strata::archive

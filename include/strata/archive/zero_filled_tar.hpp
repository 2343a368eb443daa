#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace strata::archive {

/// The archive that a tar-split file describes, with zeros as file contents: input for a `TarReader` that
/// only needs headers. Accesses no layer.
///
/// It must be registered as that reader's observer, or receive each entry from the observer in its place:
/// contents get the size in the preceding header, so that a forged line cannot make the reader process more
/// zeros than the files have bytes. Not safe for concurrent use.
/// @throws `Errc::corrupt_tar_split`, as `assemble`; also for contents without a header or with another size
///   in it
class ZeroFilledTar final : public Reader, public TarObserver {
 public:
  /// @param tar_split_gz must outlive the object
  explicit ZeroFilledTar(Reader& tar_split_gz) : lines_(tar_split_gz) {}

  Bytes next() override;

  void raw(Bytes) override {}
  void entry(TarHeader const& header) override { wanted_ = static_cast<std::uint64_t>(header.size); }
  void payload(Bytes) override {}

 private:
  static constexpr std::array<std::byte, 64U * 1024> zeros{};

  void begin_file();

  detail::TarSplitReader lines_;
  std::vector<std::byte> buffer_ = {};
  std::uint64_t zeros_left_ = 0;
  std::uint64_t wanted_ = 0;  ///< size in the last header
  bool in_segment_ = false;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/zero_filled_tar.ipp>
#endif

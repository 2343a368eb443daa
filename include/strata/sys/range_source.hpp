#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace strata {
namespace detail {

/// Reads a part of a file at its own position, so that any number of these can share a descriptor.
class FileRangeSource {
 public:
  FileRangeSource(std::shared_ptr<sys::Fd const> file, ByteRange range, fs::path path)
      : file_(std::move(file)), left_(range), path_(std::move(path)) {}

  Bytes next();
  std::size_t fill(std::span<std::byte> into);
  std::optional<std::uint64_t> size() const noexcept { return left_.size; }

 private:
  std::shared_ptr<sys::Fd const> file_;
  ByteRange left_;
  fs::path path_;
  std::unique_ptr<std::byte[]> buffer_ = {};  // allocated by the first `next()`
};

}  // namespace detail

/// Reads a part of a regular file; keeps the descriptor open. Sources of one descriptor are independent of each other.
/// @param path  for errors' subjects
/// While reading: `errno`, "read <path>"; `Errc::corrupt_archive` if the file ends within the range
[[nodiscard]] inline Source range_source(std::shared_ptr<sys::Fd const> file, ByteRange range,
                                         fs::path path) {
  return detail::FileRangeSource(std::move(file), range, std::move(path));
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/range_source.ipp>
#endif

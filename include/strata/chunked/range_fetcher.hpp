#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/stream/block_ring.hpp>

#include <range/v3/range/conversion.hpp>
#include <range/v3/view/chunk_by.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace strata {

/// Reads many small ranges of a stream in few requests, ahead of the consumer, on its own thread. Memory: 2
/// MiB. Not thread-safe.
class RangeFetcher {
 public:
  struct Limits {
    std::uint64_t gap = 1024;       ///< read and drop gaps up to this size
    std::size_t in_request = 1024;  ///< ranges per request
  };

  /// @param stream  must outlive this object, and not be used elsewhere meanwhile
  /// @param wanted  non-empty ranges, ascending, without overlap
  RangeFetcher(Ranges& stream, std::vector<ByteRange> wanted, Limits const& limits);
  RangeFetcher(RangeFetcher const&) = delete;
  RangeFetcher& operator=(RangeFetcher const&) = delete;
  ~RangeFetcher();

  /// The ranges requested from the source, after merging.
  std::vector<ByteRange> const& asked() const noexcept { return asked_; }

  /// Next wanted bytes, at most `max`; they may span several ranges. Valid until the next call.
  /// @throws what the source throws; `Errc::corrupt_archive` if it returns fewer or other bytes than
  ///   requested
  Bytes next(std::size_t max);

 private:
  static constexpr std::size_t block = 256 * 1024;

  void run() noexcept;

  /// Passes on the wanted part of these bytes, which begin at `offset` in the stream.
  void take(std::uint64_t offset, Bytes bytes);
  void pass(Bytes bytes);
  void flush();

  Ranges* stream_;
  std::vector<ByteRange> wanted_;
  std::vector<ByteRange> asked_ = {};
  Limits limits_;
  archive::BlockRing ring_{8, block, 1};
  archive::BlockReader reader_{ring_, 0};
  Bytes rest_ = {};
  std::size_t wanted_at_ = 0;
  std::span<std::byte> room_ = {};
  std::size_t filled_ = 0;
  std::thread thread_ = {};
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/range_fetcher.ipp>
#endif

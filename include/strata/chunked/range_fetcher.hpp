#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/ranges.hpp>
#include <strata/error.hpp>
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
  RangeFetcher(Ranges& stream, std::vector<ByteRange> wanted, Limits const& limits)
      : stream_(&stream), wanted_(std::move(wanted)), limits_(limits) {
    auto const is_near = [&](ByteRange const& one, ByteRange const& next) {
      return next.offset - one.end() <= limits_.gap;
    };
    auto const covering = [](auto const& group) {
      return ByteRange{group.front().offset, group.back().end() - group.front().offset};
    };
    asked_ = wanted_ | ranges::views::chunk_by(is_near) | ranges::views::transform(covering) |
             ranges::to<std::vector>();
    if (!asked_.empty()) thread_ = std::thread([this] { run(); });
  }
  RangeFetcher(RangeFetcher const&) = delete;
  RangeFetcher& operator=(RangeFetcher const&) = delete;
  ~RangeFetcher() {
    ring_.cancel(std::make_exception_ptr(Error(Errc::stopped, "range source")));
    if (thread_.joinable()) thread_.join();
  }

  /// The ranges requested from the source, after merging.
  std::vector<ByteRange> const& asked() const noexcept { return asked_; }

  /// Next wanted bytes, at most `max`; they may span several ranges. Valid until the next call.
  /// @throws what the source throws; `Errc::corrupt_archive` if it returns fewer or other bytes than
  ///   requested
  Bytes next(std::size_t max) {
    if (rest_.empty()) rest_ = reader_.next();
    if (rest_.empty()) throw Error(Errc::corrupt_archive, "range source: too few bytes");
    auto const part = rest_.first(std::min(max, rest_.size()));
    rest_ = rest_.subspan(part.size());
    return part;
  }

 private:
  static constexpr std::size_t block = 256 * 1024;

  void run() noexcept {
    try {
      for (std::size_t first = 0; first < asked_.size(); first += limits_.in_request) {
        auto const batch =
            std::span(asked_).subspan(first, std::min(limits_.in_request, asked_.size() - first));
        std::size_t at = 0;
        std::uint64_t done = 0;  // bytes received of range `at`
        stream_->read(batch, [&](std::size_t index, Bytes bytes) {
          while (at < index && done == batch[at].size) {
            ++at;
            done = 0;
          }
          if (at != index || index >= batch.size() || bytes.size() > batch[at].size - done)
            throw Error(Errc::corrupt_archive, "range source: bytes that were not asked for");
          take(batch[at].offset + done, bytes);
          done += bytes.size();
        });
        if (at + 1 != batch.size() || done != batch[at].size)
          throw Error(Errc::corrupt_archive, "range source: too few bytes");
      }
      flush();
      ring_.close();
    } catch (...) {
      ring_.close(std::current_exception());
    }
  }

  /// Passes on the wanted part of these bytes, which begin at `offset` in the stream.
  void take(std::uint64_t offset, Bytes bytes) {
    while (!bytes.empty()) {
      while (wanted_at_ < wanted_.size() && wanted_[wanted_at_].end() <= offset) ++wanted_at_;
      if (wanted_at_ == wanted_.size()) return;
      auto const& range = wanted_[wanted_at_];
      auto const skip =
          range.offset > offset ? std::min<std::uint64_t>(range.offset - offset, bytes.size()) : 0;
      bytes = bytes.subspan(static_cast<std::size_t>(skip));
      offset += skip;
      if (bytes.empty()) return;
      auto const count =
          static_cast<std::size_t>(std::min<std::uint64_t>(range.end() - offset, bytes.size()));
      pass(bytes.first(count));
      bytes = bytes.subspan(count);
      offset += count;
    }
  }
  void pass(Bytes bytes) {
    while (!bytes.empty()) {
      if (room_.empty()) room_ = ring_.claim();
      auto const count = std::min(room_.size() - filled_, bytes.size());
      std::memcpy(room_.data() + filled_, bytes.data(), count);
      filled_ += count;
      bytes = bytes.subspan(count);
      if (filled_ == room_.size()) flush();
    }
  }
  void flush() {
    if (filled_ != 0) ring_.publish(std::exchange(filled_, 0));
    room_ = {};
  }

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

#pragma once

#include <strata/chunked/range_fetcher.hpp>

namespace strata {

STRATA_INLINE RangeFetcher::RangeFetcher(Ranges& stream, std::vector<ByteRange> wanted, Limits const& limits)
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

STRATA_INLINE RangeFetcher::~RangeFetcher() {
  ring_.cancel(std::make_exception_ptr(Error(Errc::stopped, "range source")));
  if (thread_.joinable()) thread_.join();
}

STRATA_INLINE Bytes RangeFetcher::next(std::size_t max) {
  if (rest_.empty()) rest_ = reader_.next();
  if (rest_.empty()) throw Error(Errc::corrupt_archive, "range source: too few bytes");
  auto const part = rest_.first(std::min(max, rest_.size()));
  rest_ = rest_.subspan(part.size());
  return part;
}

STRATA_INLINE void RangeFetcher::run() noexcept {
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

STRATA_INLINE void RangeFetcher::take(std::uint64_t offset, Bytes bytes) {
  while (!bytes.empty()) {
    while (wanted_at_ < wanted_.size() && wanted_[wanted_at_].end() <= offset) ++wanted_at_;
    if (wanted_at_ == wanted_.size()) return;
    auto const& range = wanted_[wanted_at_];
    auto const skip =
        range.offset > offset ? std::min<std::uint64_t>(range.offset - offset, bytes.size()) : 0;
    bytes = bytes.subspan(static_cast<std::size_t>(skip));
    offset += skip;
    if (bytes.empty()) return;
    auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(range.end() - offset, bytes.size()));
    pass(bytes.first(count));
    bytes = bytes.subspan(count);
    offset += count;
  }
}

STRATA_INLINE void RangeFetcher::pass(Bytes bytes) {
  while (!bytes.empty()) {
    if (room_.empty()) room_ = ring_.claim();
    auto const count = std::min(room_.size() - filled_, bytes.size());
    std::memcpy(room_.data() + filled_, bytes.data(), count);
    filled_ += count;
    bytes = bytes.subspan(count);
    if (filled_ == room_.size()) flush();
  }
}

STRATA_INLINE void RangeFetcher::flush() {
  if (filled_ != 0) ring_.publish(std::exchange(filled_, 0));
  room_ = {};
}

}  // namespace strata

#pragma once

#include <strata/oci/read_ahead.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file_at.hpp>
#include <strata/sys/scratch_file.hpp>
#include <strata/sys/stream.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

namespace strata::oci::detail {

/// A file that one thread writes while another reads what is there.
class Spool {
 public:
  Spool(sys::Fd file, fs::path path) : file_(std::move(file)), path_(std::move(path)) {}

  /// Writes all bytes of a source, unless there is nobody left to read them.
  template <class Open>
  void fill(Open&& open) noexcept {
    std::exception_ptr failure;
    try {
      Source in = open();
      auto const size = in.size();
      tell([&] { size_ = size; });
      for (auto part = in.next(); !part.empty() && !is_abandoned(); part = in.next()) {
        sys::write_all(file_.get(), part, path_);
        tell([&] { written_ += part.size(); });
      }
    } catch (...) {
      failure = std::current_exception();
    }
    tell([&] { failure_ = failure, ended_ = true; });
  }

  void abandon() {
    tell([&] { abandoned_ = true; });
  }

  /// Waits for bytes from `position` on. @return how many were read; 0 at the end
  std::size_t read(std::uint64_t position, std::span<std::byte> into) {
    std::unique_lock lock(mutex_);
    more_.wait(lock, [&] { return written_ > position || ended_; });
    if (written_ == position) {
      if (failure_) std::rethrow_exception(failure_);
      return 0;
    }
    auto const most = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), written_ - position));
    lock.unlock();
    return sys::read_at(file_.get(), into.first(most), position, path_);
  }

  /// Bytes in all; none while that is not known.
  std::optional<std::uint64_t> size() {
    std::unique_lock lock(mutex_);
    return size_;
  }

 private:
  template <class Change>
  void tell(Change&& change) noexcept {
    std::unique_lock const lock(mutex_);
    change();
    more_.notify_all();
  }
  bool is_abandoned() {
    std::unique_lock const lock(mutex_);
    return abandoned_;
  }

  sys::Fd file_;
  fs::path path_;
  std::mutex mutex_ = {};
  std::condition_variable more_ = {};
  std::uint64_t written_ = 0;
  std::optional<std::uint64_t> size_ = {};
  bool ended_ = false;
  bool abandoned_ = false;
  std::exception_ptr failure_ = {};
};

class SpoolSource {
 public:
  explicit SpoolSource(std::shared_ptr<Spool> spool) : spool_(std::move(spool)) {}
  SpoolSource(SpoolSource&&) noexcept = default;
  SpoolSource& operator=(SpoolSource&&) = delete;
  ~SpoolSource() {
    if (spool_) spool_->abandon();
  }

  Bytes next() {
    if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::byte[]>(strata::detail::stream_chunk);
    return {buffer_.get(), fill({buffer_.get(), strata::detail::stream_chunk})};
  }
  std::size_t fill(std::span<std::byte> into) {
    auto const n = spool_->read(position_, into);
    position_ += n;
    return n;
  }
  std::optional<std::uint64_t> size() const {
    auto const all = spool_->size();
    return all ? std::make_optional(*all - std::min(*all, position_)) : std::nullopt;
  }

 private:
  std::shared_ptr<Spool> spool_;
  std::uint64_t position_ = 0;
  std::unique_ptr<std::byte[]> buffer_ = {};
};

}  // namespace strata::oci::detail

namespace strata::oci {

STRATA_INLINE ReadAhead::ReadAhead(std::function<Source(std::size_t)> open, std::size_t at_once,
                                   fs::path scratch)
    : open_(std::move(open)), at_once_(at_once), scratch_(sys::scratch_directory(std::move(scratch))) {}

STRATA_INLINE ReadAhead::~ReadAhead() {
  for (auto const& [blob, spool] : started_) spool->abandon();
}

STRATA_INLINE void ReadAhead::start(std::size_t blob) {
  if (threads_.contains(blob)) return;
  try {
    auto const spool = std::make_shared<detail::Spool>(sys::scratch_file(scratch_), scratch_);
    started_.emplace(blob, spool);
    threads_.emplace(blob, [this, spool, blob] { spool->fill([&] { return open_(blob); }); });
  } catch (std::exception const&) {  // no file, no thread or no memory
    started_.erase(blob);
  }
}

STRATA_INLINE Source ReadAhead::take(std::size_t blob) {
  for (auto passed = started_.begin(); passed != started_.end() && passed->first < blob;) {
    passed->second->abandon();
    passed = started_.erase(passed);
  }
  auto const found = started_.find(blob);
  if (found == started_.end()) return open_(blob);
  auto spool = std::move(found->second);
  started_.erase(found);
  return detail::SpoolSource(std::move(spool));
}

}  // namespace strata::oci

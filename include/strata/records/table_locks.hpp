#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace strata {

/// The locks of a table of any kind: its own, and that of the separate image store, which is taken after it.
template <StoreLock Lock>
class TableLocks {
 public:
  explicit TableLocks(Lock first, std::optional<Lock> second = {})
      : first_(std::move(first)), second_(std::move(second)) {}

  /// Locks held while a guard exists.
  struct Held {
    typename Lock::Guard first;
    std::optional<typename Lock::Guard> second;

    LockToken token() const { return second ? first.token() + second->token() : first.token(); }
    bool excludes() const { return first.excludes() && (!second || second->excludes()); }
    LockToken renew() {
      auto token = first.renew();
      return second ? token + second->renew() : token;
    }
  };

  Held shared() {
    auto first = first_.shared();
    return {std::move(first), second_ ? std::make_optional(second_->shared()) : std::nullopt};
  }
  Held exclusive() {
    auto first = first_.exclusive();
    return {std::move(first), second_ ? std::make_optional(second_->exclusive()) : std::nullopt};
  }

  /// Locks only the first; none if another process is writing.
  std::optional<Held> try_shared() {
    auto first = first_.try_shared();
    return first ? std::optional<Held>({*std::move(first), {}}) : std::nullopt;
  }
  /// Locks only the first if it is free; otherwise proceeds without it.
  Held shared_or_unlocked() {
    auto first = first_.try_shared();
    return {first ? *std::move(first) : first_.unlocked(), {}};
  }

 private:
  Lock first_;
  std::optional<Lock> second_;
};

/// Retries reads of files that others may replace meanwhile: without a lock that excludes writers, what was
/// read is valid only if nothing has changed since reading began.
class ReadAttempts {
 public:
  explicit ReadAttempts(bool excludes) : excludes_(excludes) {}

  bool excludes() const noexcept { return excludes_; }

  /// Call in a handler: rethrows unless a concurrent change may have caused the error.
  void failed(Error const& error) const;

  /// Waits a little, longer each time. @throws `Errc::store_changed` after about a second
  void again(std::string_view stem, fs::path const& place);

 private:
  static constexpr int most = 50;

  bool excludes_;
  int attempt_ = 0;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/records/table_locks.ipp>
#endif

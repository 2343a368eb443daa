#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace strata {

/// A lock that excludes no other process and creates no file: for tests, and for stores that a single object
/// in one process uses. That object's own threads are safe, as each table also has a mutex.
class NoLock {
 public:
  using Token = LockToken;

  class [[nodiscard]] Guard {
   public:
    /// True: there are no other users.
    bool excludes() const noexcept { return true; }
    /// Empty before the first `renew`.
    Token token() const;
    Token renew() { return std::to_string(++*count_); }

   private:
    friend class NoLock;
    explicit Guard(std::shared_ptr<std::atomic<std::uint64_t>> count) : count_(std::move(count)) {}
    std::shared_ptr<std::atomic<std::uint64_t>> count_;
  };

  NoLock() = default;
  explicit NoLock(fs::path const&) {}
  NoLock(fs::path const& path, ReadOnly) : read_only_(path) {}

  Guard shared() const { return Guard(count_); }
  Guard exclusive() const;
  std::optional<Guard> try_shared() const { return shared(); }
  std::optional<Guard> try_exclusive() const { return exclusive(); }
  Guard unlocked() const { return shared(); }

 private:
  std::shared_ptr<std::atomic<std::uint64_t>> count_ = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::optional<fs::path> read_only_ = {};
};

static_assert(StoreLock<NoLock>);

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/lock/no_lock.ipp>
#endif

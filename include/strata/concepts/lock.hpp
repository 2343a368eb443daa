#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>

#include <concepts>
#include <optional>
#include <string>

namespace strata {

/// Identifies the last writer: opaque bytes, to be compared for equality; empty if there was none yet.
using LockToken = std::string;

/// Selects the constructor of a lock that can only be shared and creates no files.
struct ReadOnly {};

/// Guards one file of records, against other processes and other threads of this one.
///
/// - `L(path)`  creates no file yet
/// - `L(path, ReadOnly{})`  for read-only stores: `exclusive` throws `Errc::store_read_only`
/// - `l.shared()`  waits until no other guard is exclusive
/// - `l.exclusive()`  waits until there is no other guard
/// - `l.try_shared()`, `l.try_exclusive()`  the same without waiting
/// - `l.unlocked()`  a guard that excludes no one; for read-only stores
/// - `guard.excludes()`  false if writers are not excluded, since the store is read-only and its file system
///   has no locks, or its lock was not waited for; what was read must then be checked against the files
///   afterwards
/// - `guard.token()`  of the last `renew` by any process
/// - `guard.renew()`  a new token, different from all before; exclusive guards only. Called before the
///   records are written, so that a crash in between costs others at most a reload
///
/// A guard releases the lock when destroyed and may outlive the lock object. A lock is thread-safe; a guard
/// is used by one thread at a time. A thread must not hold two guards of the same file: it would deadlock.
template <class L>
concept StoreLock = std::movable<L> && std::movable<typename L::Guard> &&
    std::constructible_from<L, fs::path> && std::constructible_from<L, fs::path, ReadOnly> &&
    requires(L& lock, typename L::Guard& guard, typename L::Guard const& constant) {
  { lock.shared() } -> std::same_as<typename L::Guard>;
  { lock.exclusive() } -> std::same_as<typename L::Guard>;
  { lock.try_shared() } -> std::same_as<std::optional<typename L::Guard>>;
  { lock.try_exclusive() } -> std::same_as<std::optional<typename L::Guard>>;
  { lock.unlocked() } -> std::same_as<typename L::Guard>;
  { constant.excludes() } -> std::same_as<bool>;
  { constant.token() } -> std::same_as<LockToken>;
  { guard.renew() } -> std::same_as<LockToken>;
};

}  // namespace strata

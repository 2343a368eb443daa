#pragma once

#include <concepts>
#include <filesystem>
#include <optional>
#include <string>

namespace strata {

/// Says who wrote last: opaque bytes, to be compared for equality; empty if nobody has written yet.
using LockToken = std::string;

/// Chooses the constructor of a lock that can only be shared and makes no files.
struct ReadOnly {};

/// Guards one file of records, against other processes and other threads of this one.
///
/// - `L(path)`             makes nothing yet
/// - `L(path, ReadOnly{})` for stores that may not be written: `exclusive` is `Errc::store_read_only`
/// - `l.shared()`          waits until no other holds it exclusively
/// - `l.exclusive()`       waits until no other holds it at all
/// - `l.try_shared()`, `l.try_exclusive()`  the same without waiting
/// - `l.unlocked()`        keeps nobody from anything; for a store that is only read
/// - `guard.excludes()`    false: nobody is kept from writing, since the store is only read and its file system has no
///                         locks for us, or its lock was not to be waited for; what was read is then to be checked
///                         against what is there afterwards
/// - `guard.token()`       of the last `renew` anywhere
/// - `guard.renew()`       the new token, different from all before; exclusive guards only; called before the
///                         records are written, so that a crash between the two costs others a reload at worst
/// A guard ends with the object and may outlive the lock that made it. All calls of a lock may run at once; a
/// guard belongs to one thread at a time. One thread holds no two guards of the same file: it would wait for itself.
template <class L>
concept StoreLock = std::movable<L> && std::movable<typename L::Guard> &&
    std::constructible_from<L, std::filesystem::path> &&
    std::constructible_from<L, std::filesystem::path, ReadOnly> &&
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

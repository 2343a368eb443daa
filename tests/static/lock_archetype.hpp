#pragma once

#include <strata/concepts/lock.hpp>
#include <strata/fs.hpp>

#include <optional>

namespace strata::archetype {

/// The least that is a lock: declared, never defined.
struct Lock {
  struct Guard {
    Guard() = delete;
    Guard(Guard&&) = default;  // movable, and no more
    Guard& operator=(Guard&&) = default;
    ~Guard();
    bool excludes() const;
    LockToken token() const;
    LockToken renew();
  };

  explicit Lock(fs::path);
  Lock(fs::path, ReadOnly);
  Lock(Lock&&) = default;
  Lock& operator=(Lock&&) = default;
  Guard shared();
  Guard exclusive();
  std::optional<Guard> try_shared();
  std::optional<Guard> try_exclusive();
  Guard unlocked();
};

static_assert(StoreLock<Lock>);

}  // namespace strata::archetype

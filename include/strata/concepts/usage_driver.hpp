#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/problem.hpp>

#include <concepts>
#include <string>
#include <vector>

namespace strata {

/// Classes of the bytes below a store's root.
enum class UsageClass {
  referenced,  ///< of an item that has a record, of the store itself, or of another program
  staged,      ///< being built by a live process
  trash,       ///< waiting to be deleted
  orphan,      ///< not used by anything any more
};

/// Owner of a file or directory and of everything below it, except where a further entry below says
/// otherwise.
struct Ownership {
  fs::path path;
  UsageClass kind = UsageClass::referenced;
  Subject subject = Subject::store;
  std::string id = {};      ///< of the item; empty if it belongs to none
  std::string reason = {};  ///< readable
  std::string code = {};    ///< of an orphan: the driver's code for it, if any
  bool removable = false;   ///< garbage collection removes it
};

/// Knows the owners of the files in its directories.
///
/// - `c.ownership(known)`  entries for the driver's home and its contents, given the layers that have
///   records: those of other layers are `UsageClass::orphan`. Throws `errno` if a directory cannot be read
///   now
template <class D>
concept UsageDriver = LayerDriver<D> && requires(D const& c, std::vector<LayerId> const& known) {
  { c.ownership(known) } -> std::same_as<std::vector<Ownership>>;
};

}  // namespace strata

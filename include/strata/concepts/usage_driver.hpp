#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/problem.hpp>

#include <concepts>
#include <filesystem>
#include <string>
#include <vector>

namespace strata {

/// What every byte below a store's root is.
enum class UsageClass {
  referenced,  ///< of an item that has a record, of the store itself, or of another program
  staged,      ///< being built by a process that lives
  trash,       ///< waits to be deleted
  orphan,      ///< nobody will ask for it any more
};

/// A file or directory whose bytes, and those below it, belong to something: unless another entry further down says
/// otherwise.
struct Ownership {
  std::filesystem::path path;
  UsageClass kind = UsageClass::referenced;
  Subject subject = Subject::store;
  std::string id = {};      ///< of the item, if it is one's
  std::string reason = {};  ///< for a person
  std::string code = {};    ///< of an orphan: the driver's own word for it, if it has one
  bool removable = false;   ///< collecting garbage removes it
};

/// Knows what the files in its directories belong to.
///
/// - `c.ownership(known)`  entries for the driver's home and for what stands in it, given which layers have records:
///                     those of other layers are `UsageClass::orphan`. Throws `errno` if a directory cannot be read now
template <class D>
concept UsageDriver = LayerDriver<D> && requires(D const& c, std::vector<LayerId> const& known) {
  { c.ownership(known) } -> std::same_as<std::vector<Ownership>>;
};

}  // namespace strata

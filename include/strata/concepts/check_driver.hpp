#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/problem.hpp>

#include <concepts>
#include <filesystem>
#include <optional>
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

/// A file or directory whose bytes, and those below it, belong to something: unless a claim further down says otherwise.
struct Ownership {
  std::filesystem::path path;
  UsageClass kind = UsageClass::referenced;
  Subject subject = Subject::store;
  std::string id = {};      ///< of the item, if it is one's
  std::string reason = {};  ///< for a person
  bool removable = false;   ///< collecting garbage removes it
};

/// The tree of one layer as a driver keeps it.
struct OwnTree {
  std::filesystem::path path;
  bool whole = true;         ///< holds what the parents have, too; if not, whiteouts are overlayfs's
  bool keeps_owners = true;  ///< those of the archive, as far as the layer's id maps tell
  bool keeps_modes = true;
};

/// Can tell what is wrong with what it keeps of its layers, and repair what can be rebuilt.
///
/// - `inspect(id, ancestors)`  problems about a layer of which the records say that these lie below it, the nearest
///                     first; with nothing for `ancestors`, what needs no knowledge of them. Their subject and id are
///                     filled in by the caller
/// - `repair(id, ancestors)`     repairs what `inspect` found and called `RepairAction::repair`; says what it did, a line each. Called
///                     with the lock of layers held
/// - `ancestors(id)`   what its own files say lies below a layer; nothing if they do not tell
/// - `own_tree(id)`    nothing if the layer has no tree
/// - `claims(known)`   what stands in its directories, given which layers have records
template <class D>
concept CheckDriver = LayerDriver<D> &&
    requires(D& d, D const& c, LayerId const& id, std::optional<std::vector<LayerId>> const& ancestors,
             std::vector<LayerId> const& known) {
  { c.inspect(id, ancestors) } -> std::same_as<std::vector<Problem>>;
  { d.repair(id, ancestors) } -> std::same_as<std::vector<std::string>>;
  { c.ancestors(id) } -> std::same_as<std::optional<std::vector<LayerId>>>;
  { c.own_tree(id) } -> std::same_as<std::optional<OwnTree>>;
  { c.claims(known) } -> std::same_as<std::vector<Ownership>>;
};

}  // namespace strata

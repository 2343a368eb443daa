#pragma once

#include <strata/concepts/own_tree_driver.hpp>
#include <strata/digest.hpp>
#include <strata/id.hpp>
#include <strata/sys/tree_signature.hpp>

#include <map>
#include <optional>
#include <string>

namespace strata {

/// Changes when a layer's own files are written to; none if the driver has no such files.
template <class Core>
std::optional<Digest> own_tree_signature(Core const& core, LayerId const& id) {
  if (auto const tree = own_tree_of(core.driver(), id)) return sys::tree_signature(tree->path);
  return std::nullopt;
}

/// By layer id.
using TreeSignatures = std::map<std::string, Digest>;

}  // namespace strata

#pragma once

#include <strata/id.hpp>
#include <strata/id_map.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace strata {

struct StorageLayerOptions {
  std::string id = {};      ///< empty: a random id
  std::string parent = {};  ///< id of a layer of the driver, not a name or prefix; empty: a base layer
  bool writable = true;
  IdMaps maps = {};  ///< their root owns the layer's directories; the parent's files are unchanged
};

/// Layers as the driver has them, with and without records; for inspection and tests. To other programs, a
/// layer without a record is garbage.
template <class Core>
class StorageLayers {
 public:
  explicit StorageLayers(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  /// Sorted by id.
  std::vector<LayerId> list() const;

  bool exists(LayerId const& id) const;

  /// Creates a layer without a record: empty, or with the contents of its parent. An existing layer is left
  /// unchanged.
  /// @throws `Errc::invalid_id`, `Errc::layer_unknown` (parent)
  LayerId create(StorageLayerOptions const& options = {});

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/storage_layers.hpp>
#endif

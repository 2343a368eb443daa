#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/id.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/sys/staging_directory.hpp>

#include <algorithm>
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
  std::vector<LayerId> list() const {
    auto ids = core_->driver().list();
    std::ranges::sort(ids, {}, [](LayerId const& id) { return id.str(); });
    return ids;
  }

  bool exists(LayerId const& id) const { return core_->driver().exists(id); }

  /// Creates a layer without a record: empty, or with the contents of its parent. An existing layer is left
  /// unchanged.
  /// @throws `Errc::invalid_id`, `Errc::layer_unknown` (parent)
  LayerId create(StorageLayerOptions const& options = {}) {
    using Traits = typename Core::LayerTraits;
    auto& core = *core_;
    auto id = Core::template new_id<Traits>(options.id);
    if (core.driver().exists(id)) return id;
    StageRequest request{.writable = options.writable,
                         .flush = core.flush(),
                         .maps = options.maps,
                         .parent_maps = options.maps};
    idmap::check(options.maps);
    if constexpr (!IdMapDriver<typename Core::Driver>)
      if (!options.maps.empty()) throw Error(Errc::unsupported, "ID mappings");
    if (!options.parent.empty()) {
      request.parent = LayerId(Core::template component<Traits>(options.parent));
      if (!core.driver().exists(*request.parent))
        throw Error(Errc::layer_unknown, "storage layer \"" + options.parent + '"')
            .about(Subject::layer, options.parent);
    }
    auto staged = core.driver().stage(request);
    staged.finish();
    auto const layers = core.template table<Traits>().write();  // no other process may publish meanwhile
    if (!core.driver().exists(id)) core.driver().publish(id, std::move(staged));
    return id;
  }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

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
  std::string id = {};      ///< empty: a random one
  std::string parent = {};  ///< id of a layer that the driver has; no name, no prefix. Empty: a base layer
  bool writable = true;
  IdMaps maps = {};  ///< whose root owns its directories; files of the parent stay as they are
};

/// What the driver of a store keeps, whether a record tells of it or not: for looking at what lies on the disk, and for
/// tests. A layer without a record is garbage to all others, who remove it.
template <class Core>
class StorageLayers {
 public:
  explicit StorageLayers(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  /// In the order of the ids.
  std::vector<LayerId> list() const {
    auto ids = core_->driver().list();
    std::ranges::sort(ids, {}, [](LayerId const& id) { return id.str(); });
    return ids;
  }

  bool exists(LayerId const& id) const { return core_->driver().exists(id); }

  /// An empty layer, or one without changes over its parent, that no record tells of. One that exists is left as it is.
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
        throw Error(Errc::layer_unknown, "storage layer \"" + options.parent + '"');
    }
    auto staged = core.driver().stage(request);
    staged.finish();
    auto const layers = core.template table<Traits>().write();  // for nobody else publishes meanwhile
    if (!core.driver().exists(id)) core.driver().publish(id, std::move(staged));
    return id;
  }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace strata

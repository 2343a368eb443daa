#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/storage_layers.hpp>
#include <strata/sys/staging_directory.hpp>

#include <algorithm>

namespace strata {

template <class Core>
auto StorageLayers<Core>::list() const -> std::vector<LayerId> {
  auto ids = core_->driver().list();
  std::ranges::sort(ids, {}, [](LayerId const& id) { return id.str(); });
  return ids;
}

template <class Core>
bool StorageLayers<Core>::exists(LayerId const& id) const {
  return core_->driver().exists(id);
}

template <class Core>
LayerId StorageLayers<Core>::create(StorageLayerOptions const& options) {
  using Traits = typename Core::LayerTraits;
  auto& core = *core_;
  auto id = Core::template new_id<Traits>(options.id);
  if (core.driver().exists(id)) return id;
  StageRequest request{
      .writable = options.writable, .flush = core.flush(), .maps = options.maps, .parent_maps = options.maps};
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

}  // namespace strata

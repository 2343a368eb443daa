#pragma once

#include <strata/problem.hpp>
#include <strata/store/known_ids.hpp>

namespace strata {

STRATA_INLINE void KnownIds::want(ImageRecord const& image) {
  wanted.insert(image.top_layer);
  wanted.insert(image.mapped_top_layers.begin(), image.mapped_top_layers.end());
}

STRATA_INLINE bool KnownIds::all(Subject kind) const noexcept {
  return kind == Subject::layer       ? all_layers
         : kind == Subject::image     ? all_images
         : kind == Subject::container ? all_containers
                                      : true;
}

STRATA_INLINE std::vector<LayerId> KnownIds::layer_ids() const {
  std::vector<LayerId> out;
  for (auto const& id : layers)
    if (is_safe_component(id)) out.emplace_back(id);
  return out;
}

}  // namespace strata

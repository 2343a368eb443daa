#pragma once

#include <strata/error.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/read_only_stores.hpp>

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata {

/// Layers of a chain that are in read-only stores. Other processes may change such a store without our locks,
/// none of which is held while bytes move; a failure or a result made from changed layers is reported as
/// such.
template <class Core>
class ReadOnlyLayers {
  using Traits = typename Core::LayerTraits;
  using Found = strata::Found<Traits, typename Core::Lock>;

 public:
  ReadOnlyLayers() = default;

  /// @param layers  read view of all layers
  /// @param top     top of the chain, from that view
  template <class LookAtAll>
  ReadOnlyLayers(LookAtAll const& layers, Found top) {
    std::unordered_set<std::string> seen;  // hand-edited records may form a cycle
    while (top && seen.insert(top->id).second) {
      auto next = top->parent.empty() ? Found{} : layers.by_id(top->parent);
      if (top.place->read_only) layers_.push_back(std::move(top));
      top = std::move(next);
    }
  }

  /// No guard of the read-only stores may be held; does not wait. @throws `Errc::store_changed`
  void check() const {
    for (auto const& [row, place] : layers_) {
      auto const now = place->table.read_now().by_id(row->id);
      if (!now || now->parent != row->parent || now->diff_digest != row->diff_digest ||
          now->created != row->created)
        throw Error(Errc::store_changed, "layer \"" + row->id + "\" in " + place->directory.native())
            .about(Subject::layer, row->id)
            .at(place->directory.native());
    }
  }

  /// Runs some work on the layers. If it fails and one of them has changed, reports that as the reason.
  template <class Work>
  decltype(auto) explain(Work&& work) const {
    try {
      return work();
    } catch (Error const& error) {
      if (error.code() != Errc::stopped) check();
      throw;
    }
  }

 private:
  std::vector<Found> layers_;
};

}  // namespace strata

#pragma once

#include <strata/error.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/read_only_stores.hpp>

#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace strata {

/// The layers of a chain that are in stores which we only read. Nobody who changes such a store asks us, and no lock of ours
/// is held while bytes move; so what fails in between, or what was made of such layers, is told for what it is.
template <class Core>
class ReadOnlyLayers {
  using Traits = typename Core::LayerTraits;
  using Found = strata::Found<Traits, typename Core::Lock>;

 public:
  ReadOnlyLayers() = default;

  /// @param layers  a look at all layers
  /// @param top     the uppermost of the chain, found by that look
  template <class LookAtAll>
  ReadOnlyLayers(LookAtAll const& layers, Found top) {
    std::unordered_set<std::string> seen;  // records that were edited by hand may go in a circle
    while (top && seen.insert(top->id).second) {
      auto next = top->parent.empty() ? Found{} : layers.by_id(top->parent);
      if (top.place->read_only) layers_.push_back(std::move(top));
      top = std::move(next);
    }
  }

  /// No guard of the stores that are only read may be held; waits for nobody. @throws `Errc::store_changed`
  void check() const {
    for (auto const& [row, place] : layers_) {
      auto const now = place->table.read_now().by_id(row->id);
      if (!now || now->parent != row->parent || now->diff_digest != row->diff_digest ||
          now->created != row->created)
        throw Error(Errc::store_changed, "layer \"" + row->id + "\" in " + place->directory.native());
    }
  }

  /// Does a piece of work with the layers. If it fails, and one of them has changed, then that is the reason given.
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

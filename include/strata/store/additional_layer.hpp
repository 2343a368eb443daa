#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/fs.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/item.hpp>
#include <strata/store/options.hpp>
#include <strata/sys/additional_tree.hpp>

#include <memory>
#include <utility>

namespace strata {

/// An unpacked layer that another program provides and that is not in this store yet. The other program is
/// notified of its use while this object exists. Not thread-safe.
template <class Core>
class [[nodiscard]] AdditionalLayer {
  using Traits = typename Core::LayerTraits;

 public:
  AdditionalLayer(std::shared_ptr<Core> core, AdditionalTree tree)
      : core_(std::move(core)), tree_(std::move(tree)) {}

  /// The other program's record: digests, sizes and compression; its id and names have no meaning here.
  /// @throws `Errc::corrupt_record`
  LayerRecord record() const;

  /// The layer as it would be pulled, compressed as the record says.
  Source blob() const;

  fs::path const& path() const noexcept { return tree_.path(); }

  /// Creates a layer of the store that refers to these files. If the other program removes them, the layer is
  /// damaged.
  /// @param options  id, names, parent, metadata and label; the rest comes from the other program
  /// @throws as `Layers::create`, `Errc::corrupt_record`; `Errc::unsupported` if the files would need other
  ///   owners
  Item<Traits> put(LayerOptions const& options = {}) const requires LayerStoreDriver<typename Core::Driver>;

 private:
  std::shared_ptr<Core> core_;
  AdditionalTree tree_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/additional_layer.hpp>
#endif

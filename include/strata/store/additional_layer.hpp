#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/archive_fields.hpp>
#include <strata/store/import.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/item.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/options.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/sys/additional_tree.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/trash.hpp>

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
  LayerRecord record() const {
    auto decoded = Core::Serializer::template decode<LayerRecord>('[' + sys::read_file(tree_.info()) + ']');
    if (decoded.records.size() != 1)
      throw Error(Errc::corrupt_record, tree_.info().native()).at(tree_.info().native());
    return std::move(decoded.records.front());
  }

  /// The layer as it would be pulled, compressed as the record says.
  Source blob() const { return file_source(tree_.blob()); }

  fs::path const& path() const noexcept { return tree_.path(); }

  /// Creates a layer of the store that refers to these files. If the other program removes them, the layer is
  /// damaged.
  /// @param options  id, names, parent, metadata and label; the rest comes from the other program
  /// @throws as `Layers::create`, `Errc::corrupt_record`; `Errc::unsupported` if the files would need other
  ///   owners
  Item<Traits> put(LayerOptions const& options = {}) const {
    auto& core = *core_;
    LayerRecord const told = this->record();
    auto const plan = plan_layer(core, options.id, options.names, options.parent, options.maps);
    if (!plan.maps.empty())
      throw Error(Errc::unsupported, "other owners for a layer of an additional layer store");
    LayerTransaction<Core> change(core, plan, [&] {
      return core.driver().stage_additional(tree_, plan.request(false, core.flush(), {}));
    });
    auto& record = change.record();  // flags and lists of big data would be those of another store's layer
    copy_archive_fields(told, record);
    record.extra = told.extra;
    record.place = core.place_of_layer(false);
    record.metadata = options.metadata;
    record.mount_label = options.mount_label;
    change.finish();
    auto layers = core.template table<Traits>().write();
    return Item<Traits>(core_, change.publish(layers));
  }

 private:
  std::shared_ptr<Core> core_;
  AdditionalTree tree_;
};

}  // namespace strata

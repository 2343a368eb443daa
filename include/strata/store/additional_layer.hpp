#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
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

/// A layer that another program shows unpacked, and that this store does not have yet. The other program is told of its use
/// for as long as this lives. For one thread at a time.
template <class Core>
class AdditionalLayer {
  using Traits = typename Core::LayerTraits;

 public:
  AdditionalLayer(std::shared_ptr<Core> core, AdditionalTree tree)
      : core_(std::move(core)), tree_(std::move(tree)) {}

  /// What the other program tells of it: digests, sizes, compression; id and names mean nothing.
  /// @throws `Errc::corrupt_record`
  LayerRecord record() const {
    auto decoded = Core::Serializer::template decode<LayerRecord>('[' + sys::read_file(tree_.info()) + ']');
    if (decoded.records.size() != 1) throw Error(Errc::corrupt_record, tree_.info().native());
    return std::move(decoded.records.front());
  }

  /// The layer as it is pulled, compressed as the record says.
  Source blob() const { return file_source(tree_.blob()); }

  std::filesystem::path const& path() const noexcept { return tree_.path(); }

  /// Makes it a layer of the store. Its files stay where they are: should the other program take them away, the layer
  /// is damaged.
  /// @param options  id, names, parent, metadata and label; the rest comes from the other program
  /// @throws as `Layers::create`, and `Errc::corrupt_record`; `Errc::unsupported`: its files would need other owners
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

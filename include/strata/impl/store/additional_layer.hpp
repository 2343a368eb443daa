#pragma once

#include <strata/error.hpp>
#include <strata/store/additional_layer.hpp>
#include <strata/store/archive_fields.hpp>
#include <strata/store/import.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/read_only_layers.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/trash.hpp>

namespace strata {

template <class Core>
LayerRecord AdditionalLayer<Core>::record() const {
  auto decoded = Core::Serializer::template decode<LayerRecord>('[' + sys::read_file(tree_.info()) + ']');
  if (decoded.records.size() != 1)
    throw Error(Errc::corrupt_record, tree_.info().native()).at(tree_.info().native());
  return std::move(decoded.records.front());
}

template <class Core>
Source AdditionalLayer<Core>::blob() const {
  return file_source(tree_.blob());
}

template <class Core>
auto AdditionalLayer<Core>::put(LayerOptions const& options) const -> Item<Traits>
requires LayerStoreDriver<typename Core::Driver> {
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

}  // namespace strata

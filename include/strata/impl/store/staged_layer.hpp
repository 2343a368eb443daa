#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/problem.hpp>
#include <strata/records/big_data.hpp>
#include <strata/store/import.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/staged_layer.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/trash.hpp>

#include <optional>
#include <vector>

namespace strata {

template <class Core>
StagedLayer<Core>::StagedLayer(std::shared_ptr<Core> core, StageOptions const& options)
    : core_(std::move(core)), options_(options) {
  auto const plan = plan_layer(*core_, {}, {}, options.parent, options.maps);
  change_ = std::make_unique<LayerTransaction<Core>>(
      *core_, plan, plan.request(options.writable, core_->flush(), {.progress = {}, .stop = options.stop}));
}

template <class Core>
StagedLayer<Core>::StagedLayer(StagedLayer&&) noexcept = default;

template <class Core>
StagedLayer<Core>& StagedLayer<Core>::operator=(StagedLayer&&) noexcept = default;

template <class Core>
StagedLayer<Core>::~StagedLayer() = default;

template <class Core>
template <class Fill>
void StagedLayer<Core>::fill_by(Fill&& fill) {
  check_sound();
  if (state_ != State::empty) throw sealed();
  auto const fill_now = [&] {
    auto const tar_split = change_->new_tar_split();
    try {
      std::forward<Fill>(fill)(*core_, change_->tree(), tar_split, change_->record());
      if (!sys::is_present(tar_split)) change_->drop_tar_split();
    } catch (...) {
      change_->drop_tar_split();
      throw;
    }
  };
  run(fill_now);
}

template <class Core>
void StagedLayer<Core>::fill(Source tar, ApplyOptions const& options, archive::TarObserver* also) {
  fill_by([&](Core& core, auto& tree, fs::path const& tar_split, auto& record) {
    unpack_layer(core, std::move(tar), tree, tar_split, options, record, also);
  });
}

template <class Core>
auto StagedLayer<Core>::record() const noexcept -> LayerRecordOf<Core> const& {
  return change_->record();
}

template <class Core>
auto StagedLayer<Core>::tar_split() const noexcept -> fs::path const& {
  return change_->tar_split();
}

template <class Core>
void StagedLayer<Core>::set_toc_digest(std::string digest) {
  check_unpublished();
  auto& record = change_->record();
  record.toc_digest = std::move(digest);
  record.compressed_diff_digest.clear();
  record.compressed_size = 0;
  record.compression = 0;
}

template <class Core>
void StagedLayer<Core>::set_compressed_digest(std::string digest) {
  check_unpublished();
  change_->record().compressed_diff_digest = std::move(digest);
}

template <class Core>
void StagedLayer<Core>::add_big_data(std::string const& key, std::string_view bytes) {
  check_unpublished();
  check_key<typename Core::Serializer>(key, "layer, big data \"" + key + '"');
  if (data_.empty()) data_ = change_->staging().next_addition();
  auto const target = data_ / big_data_file_name(key);
  sys::make_directories(target.parent_path(), 0700, core_->flush());
  auto keys = change_->record().big_data_names;
  if (!names::contains(keys, key)) keys.push_back(key);
  sys::replace_file(target, bytes, {.mode = 0600, .flush = core_->flush()});
  change_->record().big_data_names = std::move(keys);  // a file without a key would be published, too
}

template <class Core>
auto StagedLayer<Core>::commit(CommitOptions const& options) -> Item {
  check_open();
  auto& core = *core_;
  auto const& before = change_->plan();
  auto plan = plan_layer(core, options.id, options.names, before.parent ? Ref(*before.parent) : Ref(""),
                         options_.maps);
  if (plan.maps != before.maps || plan.parent_maps != before.parent_maps)
    throw Error(Errc::changed_meanwhile, "layer \"" + before.parent->str() + "\", its ID mappings")
        .about(Subject::layer, before.parent->str());
  change_->set_plan(std::move(plan));
  auto& record = change_->record();
  record.metadata = options.metadata;
  record.mount_label = options.mount_label;
  record.place = core.place_of_layer(options_.writable);
  state_ = State::published;  // the tree is handed on, come what may
  change_->finish();
  Item item(core_, publish());
  change_->close();  // this object may live on
  return item;
}

template <class Core>
auto StagedLayer<Core>::replace(Ref const& ref) -> Item {
  check_open();
  auto& core = *core_;
  auto const& plan = change_->plan();
  auto const before = core.template table<Traits>().read().get(ref);
  if (before->parent != (plan.parent ? plan.parent->str() : std::string()) || maps_of(*before) != plan.maps)
    throw Error(Errc::changed_meanwhile, "layer \"" + before->id + "\", its parent or ID mappings")
        .about(Subject::layer, before->id);
  state_ = State::published;
  change_->tree().finish();
  auto const keys = std::exchange(change_->record().big_data_names, {});
  Item item(core_, exchange_contents(core, *before, change_->tree(), change_->staging(), change_->tar_split(),
                                     change_->record()));
  for (auto const& key : keys) item.big_data().set(key, stored_source(data_ / big_data_file_name(key)));
  return item;
}

template <class Core>
auto StagedLayer<Core>::sealed() -> Error {
  return Error(Errc::layer_sealed, std::string(subject)).about(Subject::layer, {});
}

template <class Core>
auto StagedLayer<Core>::incomplete() -> Error {
  return Error(Errc::layer_incomplete, std::string(subject)).about(Subject::layer, {});
}

template <class Core>
void StagedLayer<Core>::check_sound() const {
  if (state_ == State::incomplete) throw incomplete();
}

template <class Core>
void StagedLayer<Core>::check_unpublished() const {
  check_sound();
  if (state_ == State::published) throw sealed();
}

template <class Core>
void StagedLayer<Core>::check_open() const {
  check_unpublished();
  if (state_ == State::filling) throw incomplete();
}

template <class Core>
auto StagedLayer<Core>::publish() -> Row<LayerRecordOf<Core>> {
  auto& core = *core_;
  auto layers = core.template table<Traits>().write();
  if (data_.empty()) return change_->publish(layers);
  auto const id = change_->plan().id.str();
  layers.check_free(id, change_->plan().names);
  // Before the data is put where such leftovers may be.
  change_->clear_place(layers);
  auto const data = core.template data_directory<Traits>(id);
  sys::rename(data_, data);
  try {
    if (core.flush() == Flush::full) sys::sync_directory(data.parent_path());
    return change_->publish(layers);
  } catch (...) {
    // Not if the intent was left to the next opener: then it is unknown whether there is a record.
    if (change_->staging() && !layers.by_id(id)) change_->staging().take(data);
    throw;
  }
}

}  // namespace strata

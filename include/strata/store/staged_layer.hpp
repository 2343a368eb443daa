#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/names.hpp>
#include <strata/store/import.hpp>
#include <strata/store/item.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/options.hpp>
#include <strata/store/records_of.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/stream.hpp>
#include <strata/sys/trash.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata {

struct StageOptions {
  Ref parent = "";        ///< empty: a base layer
  bool writable = false;  ///< for a container; with `replace`, as the layer was made
  WantedMaps maps = {};   ///< none: the parent's
  std::stop_token stop = {};
};

struct CommitOptions {
  std::string id = {};  ///< empty: a random one
  names::List names = {};
  std::string metadata = {};
  std::string mount_label = {};
};

/// A layer that is being built where nobody sees it and no lock is held: filled, given data, and then made a layer in one
/// short step, or the contents of one that exists. What is not committed goes away with the object, or, if the process
/// dies, when the store is opened next. Movable; for one thread at a time, any number of them at once.
///
/// What containers/storage does in PrepareStagedLayer, ApplyStagedLayer and CleanupStagedLayer; here it needs no
/// abilities of the driver.
template <class Core>
class StagedLayer {
  using Traits = typename Core::LayerTraits;
  using Item = strata::Item<Traits>;

 public:
  /// @throws `Errc::layer_unknown`, `Errc::parent_is_container`
  StagedLayer(std::shared_ptr<Core> core, StageOptions const& options)
      : core_(std::move(core)), options_(options), change_(begin(*core_, options)) {}

  /// Unpacks a tar, plain or compressed. Call at most once.
  /// @param also  sees the archive, too
  /// @throws as `Layers::import`
  void fill(Source tar, ApplyOptions const& options = {}, archive::TarObserver* also = nullptr) {
    auto const tar_split = change_.new_tar_split();
    unpack_layer(*core_, std::move(tar), change_.tree(), tar_split, options, change_.record(), also);
  }

  /// Fills the layer in another way: `fill(core, staged, tar_split, record)` puts entries into the driver's tree, says in
  /// the record what is known of them, and may make the file of the tar-split. Call at most one of the two.
  template <class Fill>
  void fill_by(Fill&& fill) {
    auto const tar_split = change_.new_tar_split();
    std::forward<Fill>(fill)(*core_, change_.tree(), tar_split, change_.record());
    if (!sys::is_present(tar_split)) change_.drop_tar_split();
  }

  /// What is known of the archive, once it was unpacked: digests, sizes, owners.
  LayerRecordOf<Core> const& record() const noexcept { return change_.record(); }
  /// The tar-split, gzip; empty before `fill`.
  std::filesystem::path const& tar_split() const noexcept { return change_.tar_split(); }

  /// Makes it known by the digest of a table of contents, not by that of a compressed archive.
  void set_toc_digest(std::string digest) {
    auto& record = change_.record();
    record.toc_digest = std::move(digest);
    record.compressed_diff_digest.clear();
    record.compressed_size = 0;
    record.compression = 0;
  }

  /// Big data that the layer has from its first moment.  @throws `Errc::invalid_name`
  void add_big_data(std::string const& key, std::string_view bytes) {
    check_key<typename Core::Serializer>(key, "layer, big data \"" + key + '"');
    if (data_.empty()) data_ = change_.staging().next_addition();
    auto const target = data_ / big_data_file_name(key);
    sys::make_directories(target.parent_path(), 0700, core_->flush());
    sys::replace_file(target, bytes, {.mode = 0600, .flush = core_->flush()});
    auto& keys = change_.record().big_data_names;
    if (!names::contains(keys, key)) keys.push_back(key);
  }

  /// Makes the layer. Call once, and nothing after it.
  /// @throws as `Layers::create`; `Errc::layer_unknown`: the parent has gone meanwhile
  Item commit(CommitOptions const& options = {}) {
    auto& core = *core_;
    auto const& before = change_.plan();
    auto plan = plan_layer(core, options.id, options.names, before.parent ? Ref(*before.parent) : Ref(""),
                           options_.maps);
    if (plan.maps != before.maps || plan.parent_maps != before.parent_maps)
      throw Error(Errc::changed_meanwhile, "layer \"" + before.parent->str() + "\", its ID mappings");
    change_.set_plan(std::move(plan));
    auto& record = change_.record();
    record.metadata = options.metadata;
    record.mount_label = options.mount_label;
    record.place = core.place_of_layer(options_.writable);
    change_.finish();
    auto layers = core.template table<Traits>().write();
    if (data_.empty()) return Item(core_, change_.publish(layers));
    auto const id = change_.plan().id.str();
    layers.check_free(id, change_.plan().names);
    // Now, since the data is put where such files may have been.
    change_.clear_place(layers);
    auto const data = core.template data_directory<Traits>(id);
    sys::rename(data_, data);
    try {
      if (core.flush() == Flush::full) sys::sync_directory(data.parent_path());
      return Item(core_, change_.publish(layers));
    } catch (...) {
      // Not if the intent was left to the next opener: then it is unknown whether there is a record.
      if (change_.staging() && !layers.by_id(id)) change_.staging().take(data);
      throw;
    }
  }

  /// Makes what was unpacked the contents of a layer that exists, in one step for everyone who looks; digests and
  /// sizes become those of the archive, big data is added. Call once, and nothing after it.
  /// @throws `Errc::layer_unknown`; `Errc::changed_meanwhile`: it was changed while this was going on, or has another
  ///         parent or maps than this was built for
  Item replace(Ref const& ref) {
    auto& core = *core_;
    auto const& plan = change_.plan();
    change_.tree().finish();
    auto const before = core.template table<Traits>().read().get(ref);
    if (before->parent != (plan.parent ? plan.parent->str() : std::string()) || maps_of(*before) != plan.maps)
      throw Error(Errc::changed_meanwhile, "layer \"" + before->id + "\", its parent or ID mappings");
    auto const keys = std::exchange(change_.record().big_data_names, {});
    Item item(core_, exchange_contents(core, *before, change_.tree(), change_.staging(), change_.tar_split(),
                                       change_.record()));
    for (auto const& key : keys) item.big_data().set(key, stored_source(data_ / big_data_file_name(key)));
    return item;
  }

 private:
  static LayerTransaction<Core> begin(Core& core, StageOptions const& options) {
    auto const plan = plan_layer(core, {}, {}, options.parent, options.maps);
    return {core, plan, plan.request(options.writable, core.flush(), {.progress = {}, .stop = options.stop})};
  }

  std::shared_ptr<Core> core_;
  StageOptions options_;
  LayerTransaction<Core> change_;
  std::filesystem::path data_ = {};  ///< in the staging directory; empty: no big data
};

}  // namespace strata

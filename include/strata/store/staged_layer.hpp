#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/names.hpp>
#include <strata/store/import.hpp>
#include <strata/store/item.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/options.hpp>
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
      : core_(std::move(core)),
        options_(options),
        plan_(plan_layer(*core_, {}, {}, options.parent, options.maps)),
        staged_(plan_.below.explain([&] {
          return core_->driver().stage(
              plan_.request(options.writable, core_->flush(), {.progress = {}, .stop = options.stop}));
        })),
        aside_(sys::StagingDirectory::create(core_->layer_trash())) {}

  /// Unpacks a tar, plain or compressed. Call at most once.
  /// @param also  sees the archive, too
  /// @throws as `Layers::import`
  void fill(Source tar, ApplyOptions const& options = {}, archive::TarObserver* also = nullptr) {
    tar_split_ = aside_.next_addition();
    unpack_layer(*core_, std::move(tar), staged_, tar_split_, options, record_, also);
  }

  /// Fills the layer in another way: `fill(core, staged, tar_split, record)` puts entries into the driver's tree, says in
  /// the record what is known of them, and may make the file of the tar-split. Call at most one of the two.
  template <class Fill>
  void fill_by(Fill&& fill) {
    auto const tar_split = aside_.next_addition();
    std::forward<Fill>(fill)(*core_, staged_, tar_split, record_);
    if (sys::is_present(tar_split)) tar_split_ = tar_split;
  }

  /// What is known of the archive, once it was unpacked: digests, sizes, owners.
  LayerRecord const& record() const noexcept { return record_; }
  /// The tar-split, gzip; empty before `fill`.
  std::filesystem::path const& tar_split() const noexcept { return tar_split_; }

  /// Makes it known by the digest of a table of contents, not by that of a compressed archive.
  void set_toc_digest(std::string digest) {
    record_.toc_digest = std::move(digest);
    record_.compressed_diff_digest.clear();
    record_.compressed_size = 0;
    record_.compression = 0;
  }

  /// Big data that the layer has from its first moment.  @throws `Errc::invalid_name`
  void add_big_data(std::string const& key, std::string_view bytes) {
    check_key<typename Core::Serializer>(key, "layer, big data \"" + key + '"');
    if (data_.empty()) data_ = aside_.next_addition();
    auto const target = data_ / big_data_file_name(key);
    sys::make_directories(target.parent_path(), 0700, core_->flush());
    sys::replace_file(target, bytes, {.mode = 0600, .flush = core_->flush()});
    if (!names::contains(record_.big_data_names, key)) record_.big_data_names.push_back(key);
  }

  /// Makes the layer. Call once, and nothing after it.
  /// @throws as `Layers::create`; `Errc::layer_unknown`: the parent has gone meanwhile
  Item commit(CommitOptions const& options = {}) {
    auto& core = *core_;
    auto const plan = plan_layer(core, options.id, options.names, plan_.parent ? Ref(*plan_.parent) : Ref(""),
                                 options_.maps);
    if (plan.maps != plan_.maps || plan.parent_maps != plan_.parent_maps)
      throw Error(Errc::changed_meanwhile, "layer \"" + plan_.parent->str() + "\", its ID mappings");
    staged_.finish();
    record_.metadata = options.metadata;
    record_.mount_label = options.mount_label;
    record_.place = core.place_of_layer(options_.writable);
    Trash trash;
    auto note = log_intents(core, {{IntentKind::layer_files, plan.id.str()}});
    auto layers = core.template table<Traits>().write();
    if (data_.empty())
      return Item(core_, publish_layer(core, layers, plan, std::move(staged_), note, tar_split_,
                                       std::move(record_), trash));
    layers.check_free(plan.id.str(), plan.names);
    // Now, since the data is put where such files may have been.
    trash.merge(discard_left_files(core, layers, plan.id, note));
    auto const data = core.template data_directory<Traits>(plan.id.str());
    sys::rename(data_, data);
    try {
      if (core.flush() == Flush::full) sys::sync_directory(data.parent_path());
      return Item(core_, publish_layer(core, layers, plan, std::move(staged_), note, tar_split_,
                                       std::move(record_), trash));
    } catch (...) {
      // Not if the note was left to the next opener: then nobody knows whether there is a record.
      if (note && !layers.by_id(plan.id.str())) note.take(data);
      throw;
    }
  }

  /// Makes what was unpacked the contents of a layer that exists, in one step for everyone who looks; digests and
  /// sizes become those of the archive, big data is added. Call once, and nothing after it.
  /// @throws `Errc::layer_unknown`; `Errc::changed_meanwhile`: it was changed while this was going on, or has another
  ///         parent or maps than this was built for
  Item replace(Ref const& ref) {
    auto& core = *core_;
    staged_.finish();
    auto const before = core.template table<Traits>().read().get(ref);
    if (before->parent != (plan_.parent ? plan_.parent->str() : std::string()) ||
        maps_of(*before) != plan_.maps)
      throw Error(Errc::changed_meanwhile, "layer \"" + before->id + "\", its parent or ID mappings");
    auto const keys = std::exchange(record_.big_data_names, {});
    Item item(core_, exchange_contents(core, *before, staged_, aside_, tar_split_, record_));
    for (auto const& key : keys) item.big_data().set(key, stored_source(data_ / big_data_file_name(key)));
    return item;
  }

 private:
  std::shared_ptr<Core> core_;
  StageOptions options_;
  LayerPlan<Core> plan_;
  typename Core::Driver::Staged staged_;
  sys::StagingDirectory aside_;
  LayerRecord record_ = {};
  std::filesystem::path tar_split_ = {};  ///< in `aside_`; empty: nothing was unpacked
  std::filesystem::path data_ = {};       ///< in `aside_`; empty: no big data
};

}  // namespace strata

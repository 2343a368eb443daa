#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/records/layer.hpp>
#include <strata/store/intent_log.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_maps.hpp>
#include <strata/store/records_of.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/trash.hpp>
#include <strata/timestamp.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace strata {

/// Creates one layer: staged where no other process sees it and without locks, then published in one short
/// step with the lock of the layers' table held.
///
///     LayerTransaction change(core, plan, plan.request(writable, core.flush(), control));
///     …                                     // entries into change.tree(), fields into change.record()
///     change.finish();                      // flushes; logs the intent
///     auto layers = core.template table<LayerTraits>().write();
///     auto row = change.publish(layers);
///
/// Without `publish` the destructor removes everything; if the process dies, the next opener of the store
/// does. Construct it before the guard of the table: files that `publish` discards are deleted by the
/// destructor, after the lock is released. Movable; not thread-safe.
template <class Core>
class [[nodiscard]] LayerTransaction {
 public:
  using Record = LayerRecordOf<Core>;
  using Staged = typename Core::Driver::Staged;

  /// Stages a tree as `request` says. @throws what the driver throws; `Errc::store_changed`
  LayerTransaction(Core& core, LayerPlan<Core> plan, StageRequest const& request)
      : LayerTransaction(core, std::move(plan), [&] { return core.driver().stage(request); }) {}

  /// As above, with a tree made by `stage()`.
  template <class Stage>
  requires std::is_invocable_r_v<Staged, Stage&> LayerTransaction(Core& core, LayerPlan<Core> plan,
                                                                  Stage&& stage)
      : core_(&core), plan_(std::move(plan)), tree_(plan_.below.explain(std::forward<Stage>(stage))) {}

  LayerPlan<Core> const& plan() const noexcept { return plan_; }
  /// Changes id and names; parent and maps must be the same.
  void set_plan(LayerPlan<Core> plan) { plan_ = std::move(plan); }

  Record& record() noexcept { return record_; }
  Record const& record() const noexcept { return record_; }
  Staged& tree() noexcept { return tree_; }

  /// Staging directory for files that belong to the layer; created by the first call.
  sys::StagingDirectory& staging() {
    if (!staging_) staging_.emplace(sys::StagingDirectory::create(core_->layer_trash()));
    return *staging_;
  }
  /// Path at which the caller creates the tar-split, complete and flushed; `publish` moves it into place.
  fs::path const& new_tar_split() { return tar_split_ = staging().next_addition(); }
  fs::path const& tar_split() const noexcept { return tar_split_; }
  void drop_tar_split() { tar_split_.clear(); }

  /// Flushes the tree and logs the intent, unless a crash would leave nothing. Needs no lock.
  /// @param kind  `IntentKind::spare_layer`: another item's record is to follow, without which the layer is
  ///   useless
  void finish(IntentKind kind = IntentKind::layer_files) {
    tree_.finish();
    if (!is_only_in_memory() || kind != IntentKind::layer_files)
      add_intents(*core_, staging(), {{kind, plan_.id.str()}});
  }

  /// Moves tree and tar-split into place, then commits the record; a crash in between leaves files without a
  /// record. After an exception there is no layer, or, if that cannot be determined, its intent is left to
  /// the next opener.
  /// @param layers  write guard of the table
  /// @throws `Errc::duplicate_id`, `Errc::duplicate_name`, `Errc::layer_unknown`: the parent was removed
  ///   since the plan was made; `Errc::changed_meanwhile`, `Errc::store_changed`
  template <class Writing>
  Row<Record> publish(Writing& layers) {
    check_plan(layers);
    fill_record();
    if (core_->driver().exists(plan_.id)) clear_place(layers);
    auto row = layers.put(std::move(record_));  // the guard undoes this if a later step fails
    try {
      core_->driver().publish(plan_.id, std::move(tree_));
      if (!tar_split_.empty()) {
        sys::rename(tar_split_, core_->tar_split(row->id));
        if (core_->flush() == Flush::full) sys::sync_directory(core_->tar_split(row->id).parent_path());
      }
    } catch (...) {
      discard();
      throw;
    }
    try {
      layers.commit(core_->flush());
    } catch (...) {
      // The record may have reached the disk despite the error; then the files belong to a layer, if only a
      // spare one.
      if (layers.reload() && !layers.by_id(plan_.id.str()))
        discard();
      else if (!is_only_in_memory())
        leave_intents(*core_, staging());
      throw;
    }
    return row;
  }

  /// Moves away files that a crash left at the layer's place. `publish` does this if there is a tree;
  /// otherwise call it before files of the layer are moved into place.
  /// @throws `Errc::corrupt_record`: a record that cannot be read may own the files
  template <class Writing>
  void clear_place(Writing& layers) {
    trash_.merge(discard_left_files(*core_, layers, plan_.id, staging()));
  }

  /// Deletes what `publish` discarded, and the intent, which is done with. The destructor does the same; for a
  /// transaction that lives on. Call it without the guard of the table.
  void close() noexcept {
    trash_ = {};
    staging_.reset();
  }

  /// Removes a published layer again, since the record that was to use it could not be committed, unless that
  /// record may be on disk all the same. What fails is left to the next opener.
  /// @param users  guard of the table of that record
  template <class Writing, class Users>
  void withdraw(Writing& layers, Users& users) {
    with_intents(*core_, staging(), [&] {
      if (!users.reload()) throw;
      if (users.referring_to(plan_.id.str()).empty())
        trash_.merge(
            discard_layers(*core_, layers, unmount_layers(*core_, {plan_.id}), {plan_.id}, staging()));
    });
  }

 private:
  template <class Writing>
  void check_plan(Writing const& layers) const {
    layers.check_free(plan_.id.str(), plan_.names);
    plan_.below.check();
    if (!plan_.parent) return;
    auto const parent = layers.by_id(plan_.parent->str());
    if (!parent && !core_->template read_only_view<typename Core::LayerTraits>().by_id(plan_.parent->str()))
      throw Error(Errc::layer_unknown, "layer \"" + plan_.parent->str() + "\", removed meanwhile")
          .about(Subject::layer, plan_.parent->str());
    if (parent && plan_.parent_maps && maps_of(*parent) != *plan_.parent_maps)
      throw Error(Errc::changed_meanwhile, "layer \"" + plan_.parent->str() + '"')
          .about(Subject::layer, plan_.parent->str());
  }

  void fill_record() {
    record_.id = plan_.id.str();
    record_.names = plan_.names;
    set_maps(record_, plan_.maps);
    record_.parent = plan_.parent ? plan_.parent->str() : std::string();
    record_.created = Timestamp::now();
  }

  /// True if there is nothing of the layer on disk, and no intent.
  bool is_only_in_memory() const noexcept { return InMemoryDriver<typename Core::Driver> && !staging_; }

  void discard() {
    if (is_only_in_memory())
      trash_.merge(core_->driver().remove(plan_.id));
    else
      with_intents(*core_, staging(),
                   [&] { trash_.merge(discard_layer_files(*core_, plan_.id, staging())); });
  }

  Core* core_;
  LayerPlan<Core> plan_;
  Trash trash_ = {};
  Staged tree_;
  Record record_ = {};
  std::optional<sys::StagingDirectory> staging_ = {};
  fs::path tar_split_ = {};  ///< in `staging_`; empty: none
};

}  // namespace strata

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/names.hpp>
#include <strata/store/item.hpp>
#include <strata/store/options.hpp>
#include <strata/store/records_of.hpp>

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

namespace archive {
class TarObserver;
}

template <class Core>
class LayerTransaction;

struct StageOptions {
  Ref parent = "";        ///< empty: a base layer
  bool writable = false;  ///< writable by a container; with `replace`, must be as the layer was created
  WantedMaps maps = {};   ///< unset: the parent's
  std::stop_token stop = {};
};

struct CommitOptions {
  std::string id = {};  ///< empty: a random id
  names::List names = {};
  std::string metadata = {};
  std::string mount_label = {};
};

/// A layer under construction, invisible and without a lock: it is filled, given big data, and then published
/// in one short step, as a new layer or as the contents of an existing one. If it is not committed, it is
/// discarded by the destructor or, after a crash, when the store is opened next. Movable. Not thread-safe;
/// any number may be built at once.
///
/// Corresponds to PrepareStagedLayer, ApplyStagedLayer and CleanupStagedLayer of containers/storage, but
/// works with every driver.
template <class Core>
class [[nodiscard]] StagedLayer {
  using Traits = typename Core::LayerTraits;
  using Item = strata::Item<Traits>;

 public:
  /// @throws `Errc::layer_unknown`, `Errc::parent_is_container`
  StagedLayer(std::shared_ptr<Core> core, StageOptions const& options);
  StagedLayer(StagedLayer&&) noexcept;
  StagedLayer& operator=(StagedLayer&&) noexcept;
  ~StagedLayer();

  /// Unpacks a tar, plain or compressed. Call at most once. After an exception the layer can only be looked at
  /// and destroyed: all calls that add to it or publish it throw `Errc::layer_incomplete`.
  /// @param also  further observer of the archive
  /// @throws as `Layers::import`; `Errc::layer_sealed` if it was filled or published before
  void fill(Source tar, ApplyOptions const& options = {}, archive::TarObserver* also = nullptr);

  /// Alternative to `fill`: `fill(core, staged, tar_split, record)` adds entries to the driver's tree, sets
  /// the known fields of the record, and may write the tar-split.
  /// @throws what `fill` throws, and as the other `fill`, with the same effect on the layer
  template <class Fill>
  void fill_by(Fill&& fill);

  /// Runs `step()`, a part of the filling that follows `fill`, such as adding big data without which the
  /// contents are of no use. If it throws, the layer is as after a `fill` that throws.
  /// @throws what `step` throws; `Errc::layer_sealed` if the layer was published before
  template <class Step>
  void complete_by(Step&& step) {
    check_open();
    run(step);
  }

  /// Digests, sizes and owners of the archive, once unpacked.
  LayerRecordOf<Core> const& record() const noexcept;
  /// The tar-split, compressed with gzip; empty before `fill`.
  fs::path const& tar_split() const noexcept;

  /// Identifies the layer by the digest of its table of contents instead of that of a compressed archive.
  /// @throws `Errc::layer_incomplete`, `Errc::layer_sealed`, as `add_big_data`
  void set_toc_digest(std::string digest);

  /// Identifies the layer, once unpacked, by the digest of a blob that unpacks to the same archive, instead of that of the
  /// stream. Size and compression stay those of the stream, as containers/storage keeps them.
  /// @throws `Errc::layer_incomplete`, `Errc::layer_sealed`, as `add_big_data`
  void set_compressed_digest(std::string digest);

  /// Adds big data to be published with the layer.
  /// @throws `Errc::invalid_name`; `Errc::layer_incomplete` if filling it failed; `Errc::layer_sealed` if it
  ///   was published before
  void add_big_data(std::string const& key, std::string_view bytes);

  /// Publishes a new layer. Must be the last call; one that was refused for its options can be repeated.
  /// @throws as `Layers::create`; `Errc::layer_unknown` if the parent was removed meanwhile;
  ///   `Errc::layer_incomplete` if filling it failed; `Errc::layer_sealed` if it was published before
  Item commit(CommitOptions const& options = {});

  /// Replaces the contents of an existing layer atomically; digests and sizes become those of the archive,
  /// big data is added. Must be the last call.
  /// @throws `Errc::layer_unknown`; `Errc::changed_meanwhile` if the layer was changed during this, or has
  ///   another parent or maps than assumed; `Errc::layer_incomplete`, `Errc::layer_sealed` as `commit`
  Item replace(Ref const& ref);

 private:
  enum class State { empty, filling, incomplete, filled, published };

  /// The layer as error texts name it; it has no id yet.
  static constexpr std::string_view subject = "staged layer";
  static Error sealed();
  static Error incomplete();
  /// @throws if filling it failed
  void check_sound() const;
  /// @throws unless something can be added to it
  void check_unpublished() const;
  /// @throws unless it can be published
  void check_open() const;
  /// Runs a part of the filling.
  template <class Step>
  void run(Step& step) {
    state_ = State::filling;
    try {
      step();
    } catch (...) {
      state_ = State::incomplete;
      throw;
    }
    state_ = State::filled;
  }

  Row<LayerRecordOf<Core>> publish();

  std::shared_ptr<Core> core_;
  StageOptions options_;
  std::unique_ptr<LayerTransaction<Core>> change_;
  State state_ = State::empty;
  fs::path data_ = {};  ///< in the staging directory; empty: no big data
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/staged_layer.hpp>
#endif

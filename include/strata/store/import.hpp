#pragma once

#include <strata/archive/tar_reader.hpp>
#include <strata/archive/tar_split.hpp>
#include <strata/archive/tee_observer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/digest.hpp>
#include <strata/former.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/store/archive_fields.hpp>
#include <strata/store/content_intent.hpp>
#include <strata/store/export.hpp>
#include <strata/store/layer_files.hpp>
#include <strata/store/layer_transaction.hpp>
#include <strata/store/mount.hpp>
#include <strata/store/options.hpp>
#include <strata/store/over_former.hpp>
#include <strata/store/own_tree_signature.hpp>
#include <strata/store/records_of.hpp>
#include <strata/stream/pipeline.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Imports a tar: source, codec, digests, tar reader, then the driver's tree and the tar-split side by side.
/// No lock is held while bytes move.
namespace strata {
namespace detail {

/// Distinct owners, ascending. Most entries have the same owner as the one before.
class OwnerSet {
 public:
  void add(std::int64_t id);
  std::vector<std::uint32_t> take() { return std::move(ids_); }

 private:
  std::vector<std::uint32_t> ids_;
  std::int64_t last_ = -1;
};

std::string_view base_name(std::string_view path);

/// Reports at most ten times a second, and once at the end.
class ProgressMeter {
 public:
  /// @param total  bytes at the end, if known
  ProgressMeter(ProgressSink sink, Phase phase, std::optional<std::uint64_t> total = {})
      : sink_(std::move(sink)), now_{.phase = phase, .total_bytes = total} {}

  template <class BytesDone>
  void entry(BytesDone&& bytes) {
    ++now_.entries;
    if (now_.entries % 16 == 0) report(bytes);
  }
  /// Call it for each block of a few hundred KiB: it reads the clock.
  /// @param bytes  gives how many are done
  template <class BytesDone>
  void report(BytesDone&& bytes) {
    if (!sink_) return;
    auto const time = std::chrono::steady_clock::now();
    if (time < next_) return;
    next_ = time + std::chrono::milliseconds(100);
    now_.bytes = bytes();
    sink_(now_);
  }
  void end(std::uint64_t bytes);

 private:
  ProgressSink sink_;
  Progress now_;
  std::chrono::steady_clock::time_point next_ = {};
};

/// The plain bytes of an input, which reports progress with each block, also in the middle of a large file.
class MeteredReader final : public Reader {
 public:
  MeteredReader(archive::DecompressingReader& in, ProgressMeter& meter) : in_(in), meter_(meter) {}

  Bytes next() override;

 private:
  archive::DecompressingReader& in_;
  ProgressMeter& meter_;
};

}  // namespace detail

/// Unpacks a stream into a staged tree, writes its tar-split, and fills the archive's fields of the record.
/// @param tar_split  file to create
/// @param also       further observer of the archive
/// @param over       the tree has contents of another archive, and the tar-split is marked so
/// @throws           EBADF for an empty or moved-from source
template <class Core, class Staged>
void unpack_layer(Core& core, Source source, Staged& staged, fs::path const& tar_split,
                  ApplyOptions const& options, LayerRecord& record, archive::TarObserver* also = nullptr,
                  bool over = false) {
  static_assert(
      requires { sizeof(typename Core::Codecs); },
      "unpacking needs the store's codecs: include strata/codec/all.hpp, or those that its traits list");
  detail::ProgressMeter meter(options.progress, Phase::import_layer, source.size());
  archive::DecompressingReader inlet(std::move(source), typename Core::Codecs{},
                                     {.max_bytes = options.limits.plain_bytes,
                                      .max_ratio = options.limits.ratio,
                                      .control = {.progress = {}, .stop = options.stop}});
  sys::Fd const fd = sys::open_at(AT_FDCWD, tar_split, O_WRONLY | O_CREAT | O_EXCL, 0600);
  Sink kept = fd_sink(fd.get());
  if (over) kept.write(as_bytes(over_former_mark));
  archive::TarSplitWriter split(kept);
  auto const both = also != nullptr ? std::make_unique<archive::TeeObserver>(split, *also) : nullptr;
  detail::MeteredReader metered(inlet, meter);
  archive::TarReader tar(metered,
                         {.header_bytes = options.limits.header_bytes,
                          .path_bytes = options.limits.path_bytes,
                          .xattr_bytes = options.limits.xattr_bytes,
                          .entries = options.limits.entries,
                          .sparse_bytes = options.limits.plain_bytes},
                         also != nullptr ? static_cast<archive::TarObserver*>(both.get()) : &split);
  detail::OwnerSet uids;
  detail::OwnerSet gids;
  archive::TarHeader header;
  while (tar.next(header)) {
    if (!archive::is_whiteout(detail::base_name(header.name))) {
      uids.add(header.uid);
      gids.add(header.gid);
    }
    staged.add(header, tar);
    meter.entry([&] { return inlet.bytes_in(); });
  }
  split.finish();
  auto const result = inlet.finish();
  staged.finish();
  if (core.flush() == Flush::full) sys::sync_file(fd.get(), tar_split);
  meter.end(result.compressed_size);
  record.compressed_diff_digest = result.compressed_digest.str();
  record.compressed_size = static_cast<std::int64_t>(result.compressed_size);
  record.diff_digest = result.plain_digest.str();
  record.diff_size = static_cast<std::int64_t>(result.plain_size);
  record.compression = static_cast<std::int64_t>(result.compression);
  record.uidset = uids.take();
  record.gidset = gids.take();
}

/// Creates a layer from a stream.
template <class Core>
Row<LayerRecordOf<Core>> import_layer(Core& core, Source source, ImportOptions const& options) {
  if (!options.claimed_digest.empty()) Digest::parse(options.claimed_digest);
  auto const plan = plan_layer(core, options.id, options.names, options.parent, options.maps);
  LayerTransaction<Core> change(
      core, plan, plan.request(false, core.flush(), {.progress = options.progress, .stop = options.stop}));
  auto& record = change.record();
  record.metadata = options.metadata;
  record.mount_label = options.mount_label;
  record.place = core.place_of_layer(false);
  unpack_layer(core, std::move(source), change.tree(), change.new_tar_split(),
               {.limits = options.limits, .progress = options.progress, .stop = options.stop}, record);
  if (!options.claimed_digest.empty() && options.claimed_digest != record.compressed_diff_digest)
    throw Error(Errc::digest_mismatch,
                "claimed " + options.claimed_digest + ", got " + record.compressed_diff_digest);
  change.finish();
  auto layers = core.template table<typename Core::LayerTraits>().write();
  return change.publish(layers);
}

/// Checks that replacing a layer's tree loses nothing: neither writes since it was examined or copied, nor
/// writes through a mount that would keep showing it. Walks the tree under the caller's locks, so that
/// nothing can be mounted meanwhile.
/// @param mounts  guard of the mount counts, held by the caller
/// @param seen    earlier `own_tree_signature`; none: there is none, or it does not matter
/// @throws `Errc::layer_used_by_container`, `Errc::changed_meanwhile`
template <class Core, class Mounts>
void check_untouched(Core& core, Mounts const& mounts, LayerId const& id, std::optional<Digest> const& seen) {
  if constexpr (MountDriver<typename Core::Driver>)
    if (is_seen_mounted(core, mounts, id))
      throw Error(Errc::layer_used_by_container, "layer " + id.str() + " is mounted")
          .about(Subject::layer, id.str());
  if (seen && own_tree_signature(core, id) != seen)
    throw Error(Errc::changed_meanwhile, "layer " + id.str() + " was written to")
        .about(Subject::layer, id.str());
}

/// Replaces a layer's tree and tar-split by staged ones, and moves the old ones into `staged`; on failure
/// nothing changes. After a crash, the next opener completes or undoes it by an intent record. Children keep
/// a complete parent, but not the one they were made on, which is the caller's responsibility as in
/// containers/storage; mounted children would break.
/// @param before    the layer's record when the work began
/// @param staging     staging directory of the tar-split
/// @param unpacked  has the archive's fields
/// @param copied    if the staged tree began as a copy of the layer: its `own_tree_signature` before that
/// @throws `Errc::changed_meanwhile` if an archive was applied since then, or the copied files were written
///   to; `Errc::layer_used_by_container` if the layer or one above it is mounted
template <class Core, class Staged>
Row<LayerRecordOf<Core>> exchange_contents(Core& core, LayerRecord const& before, Staged& staged,
                                           sys::StagingDirectory& staging, fs::path const& tar_split,
                                           LayerRecord const& unpacked,
                                           std::optional<Digest> const& copied = {}) {
  LayerId const id(before.id);
  auto layers = core.template table<typename Core::LayerTraits>().write();
  LayerRecordOf<Core> const now = *layers.get(Ref::exactly(before.id));
  if (now.diff_digest != before.diff_digest || now.created != before.created)
    throw Error(Errc::changed_meanwhile, "layer \"" + before.id + '"').about(Subject::layer, before.id);
  LayerRecordOf<Core> next = now;
  copy_archive_fields(unpacked, next);
  // A new mount would keep showing the old contents.
  auto const no_mounts = core.mounts().write();
  check_not_below_mount(core, no_mounts, id);
  if (copied) check_untouched(core, no_mounts, id, copied);
  auto const logged = log_content_intent(core, staging, now, next, tar_split);
  auto const intent = logged ? *logged : content_intent(tar_split, now, next);
  detail::ArchiveExchange<Core> const archive(core, before.id, staging.path(), intent);
  auto row = layers.put(std::move(next));  // rolled back with the guard if the rest fails
  bool replaced = false;
  auto const undo = [&] {
    with_intents(core, staging, [&] {
      std::exception_ptr failure;
      try {  // it may have failed after the exchange
        if (logged ? detail::contents_identity(core, id) != intent.tree : replaced)
          core.driver().replace(id, staged);
      } catch (...) {
        failure = std::current_exception();
      }
      archive.undo();
      if (failure) std::rethrow_exception(failure);
    });
  };
  try {
    core.driver().replace(id, staged);
    replaced = true;
    archive.run();
  } catch (...) {
    undo();
    throw;
  }
  try {
    layers.commit(core.flush());
  } catch (...) {
    // The record may have reached the disk despite the error; then everything is new.
    auto const now_there = layers.reload() ? layers.by_id(before.id) : Row<LayerRecordOf<Core>>{};
    if (now_there && has_archive_fields_of(*now_there, now))
      undo();
    else
      leave_intents(core, staging);
    throw;
  }
  return row;
}

/// Stages a copy of a layer, to unpack a stream over.
template <class Core>
auto stage_copy(Core& core, LayerRecord const& layer, std::stop_token const& stop,
                Former former = Former::gives_way) {
  return core.driver().stage(
      {.parent = layer.parent.empty() ? std::optional<LayerId>{} : LayerId(layer.parent),
       .copy_of = LayerId(layer.id),
       .writable = layer.place != RecordPlace::image_store,
       .flush = core.flush(),
       .control = {.progress = {}, .stop = stop},
       .maps = maps_of(layer),
       .parent_maps = maps_of(layer),
       .former = former});
}

/// True if the layer has files that the archive to be applied does not provide: of another archive, or
/// written through a mount.
template <class Core>
bool has_former_contents(Core& core, LayerRecord const& layer) {
  if (!layer.diff_digest.empty()) return true;
  if constexpr (DiffDriver<typename Core::Driver>)
    return !layer_changes(core, LayerId(layer.id), Ref("")).empty();
  else
    return false;
}

/// Applies an archive to an existing layer; contents and tar-split are replaced together.
/// @throws `Errc::changed_meanwhile` if another archive was applied or the layer was written to since this
///   call began; `Errc::layer_used_by_container` if it was mounted since then. This call then had no effect,
///   and can be repeated
template <class Core>
Row<LayerRecordOf<Core>> apply_to_layer(Core& core, std::string const& id, Source source,
                                        ApplyOptions const& options) {
  using Traits = typename Core::LayerTraits;
  auto const before = core.template table<Traits>().read().get(Ref::exactly(id));
  auto const copied = own_tree_signature(core, LayerId(before->id));  // before anything of it is read
  bool const over = has_former_contents(core, *before);
  auto staged = stage_copy(core, *before, options.stop);
  auto staging = sys::StagingDirectory::create(core.layer_trash());
  auto const tar_split = staging.next_addition();
  LayerRecord unpacked;
  unpack_layer(core, std::move(source), staged, tar_split, options, unpacked, nullptr, over);
  return exchange_contents(core, *before, staged, staging, tar_split, unpacked, copied);
}

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/import.ipp>
#endif

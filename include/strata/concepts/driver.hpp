#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/former.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/id_map.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archive {
struct TarHeader;
class TarWriter;
}  // namespace strata::archive

namespace strata {

class Trash;           // sys/trash.hpp
class AdditionalTree;  // sys/additional_tree.hpp

/// Directories that a driver uses.
struct DriverPlace {
  fs::path graph_root;                      ///< persistent; a driver's home is `graph_root / name()`
  fs::path run_root;                        ///< lost at reboot
  bool read_only = false;                   ///< create and change nothing
  std::vector<fs::path> image_stores = {};  ///< graph roots of read-only stores
  fs::path image_store = {};  ///< root for layers that no container writes to; empty: the graph root
};

/// Parameters of a new tree.
struct StageRequest {
  std::optional<LayerId> parent = {};  ///< the layer below it
  /// Start with a copy of this layer's own contents, to replace them as a whole.
  std::optional<LayerId> copy_of = {};
  bool writable = false;  ///< for a container: a quota may apply
  Flush flush = Flush::full;
  Control control = {};
  IdMaps maps = {};                   ///< id maps of the new tree's files
  IdMaps parent_maps = {};            ///< id maps of the files of the parent, or of `copy_of`
  Former former = Former::gives_way;  ///< handling of files that the tree starts with
};

/// Parameters for unpacking into the tree of an existing layer.
struct InPlaceRequest {
  Flush flush = Flush::full;
  Control control = {};
  IdMaps maps = {};    ///< id maps of its files
  bool again = false;  ///< an earlier process began to unpack the same entries and may not have finished
};

/// Parameters of a mount.
struct MountRequest {
  bool read_only = false;
  bool is_volatile = false;               ///< contents need not survive a crash
  std::string label = {};                 ///< for SELinux
  std::vector<std::string> options = {};  ///< if any, replace the driver's own; in its syntax
  IdMaps maps = {};                       ///< maps for showing files that are stored with host ids
};

enum class ChangeKind { modify = 0, add = 1, remove = 2 };

std::string_view to_text(ChangeKind kind) noexcept;

/// Writes `to_text(kind)`.
template <class CharTraits>
std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out, ChangeKind kind) {
  out << to_text(kind);
  return out;
}

/// A path that differs between two layers.
struct Change {
  std::string path;  ///< absolute within the layer
  ChangeKind kind = ChangeKind::modify;
  auto operator<=>(Change const&) const = default;

  /// Readable form: the kind, and the path unchanged.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Change const& change) {
    out << to_text(change.kind) << ' ' << change.path;
    return out;
  }
};

/// Stores the files of layers; has no knowledge of names, images or metadata.
///
/// A layer is made in two steps, so that no lock is held while bytes are copied: `stage` builds its tree in a
/// staging directory, which may take long and may fail; `publish` moves it into place, which is short. A
/// `Staged` object that is not published removes its files when destroyed, or, if the process dies, the next
/// `recover` does.
///
/// - `d.name()`  the driver's name, recorded in the store, which other drivers then cannot open
/// - `d.stage(request)`  an empty tree over `request.parent` (vfs: a copy of it), owned by the `Staged`;
///   `Errc::layer_unknown` if the parent does not exist
/// - `staged.add(header, body)`  unpacks one archive entry at `header.name` below the tree's root; whiteouts
///   (".wh.") remove what the parent has; consumes `body`
/// - `staged.finish()`  sets times of directories and writes back; with `Flush::full` all contents are
///   durable afterwards
/// - `d.publish(id, staged)`  afterwards `d.exists(id)`, with the staged contents; `Errc::duplicate_id` if it
///   existed, `Errc::layer_unknown` if the parent was removed meanwhile
/// - `d.replace(id, staged)`  exchanges the contents of an existing layer with the staged ones, atomically; a
///   second call undoes it
/// - `d.remove(id)`  afterwards not `d.exists(id)`; the files to delete are in the returned `Trash`, to be
///   emptied without locks; no effect if the layer did not exist
/// - `d.copy_file(id, name, to)`  writes the bytes of the regular file that was added as `name`;
///   `Errc::data_unknown` if there is none
/// - `d.recover()`  removes what dead processes left in staging directories and in the trash
/// - `d.status()`  readable key-value pairs
///
/// Thread-safety: `stage`, `add`, `finish` and `copy_file` are called without locks, from many threads on
/// different objects; the other calls are serialized by the store's lock. `testing::driver_suite<D>` checks
/// what this concept cannot.
template <class D>
concept LayerDriver = std::movable<D> && std::movable<typename D::Staged> &&
    std::copyable<typename D::Options> &&
    requires(D& d, D const& c, LayerId const& id, StageRequest const& request, typename D::Staged& staged,
             archive::TarHeader const& header, Reader& body, Writer& to, std::string_view text) {
  { c.name() } -> std::convertible_to<std::string_view>;
  { d.stage(request) } -> std::same_as<typename D::Staged>;
  { staged.add(header, body) } -> std::same_as<void>;
  { staged.finish() } -> std::same_as<void>;
  { d.publish(id, std::move(staged)) } -> std::same_as<void>;
  { d.replace(id, staged) } -> std::same_as<void>;
  { d.remove(id) } -> std::same_as<Trash>;
  { c.exists(id) } -> std::same_as<bool>;
  { c.list() } -> std::same_as<std::vector<LayerId>>;
  { c.copy_file(id, text, to) } -> std::same_as<void>;
  { d.recover() } -> std::same_as<void>;
  { c.status() } -> std::same_as<std::vector<std::pair<std::string, std::string>>>;
};

/// Id maps of the files of two layers to compare.
struct DiffMaps {
  IdMaps newer = {};
  IdMaps older = {};
};

/// The layers to compare.
struct DiffRequest {
  LayerId layer;
  std::optional<LayerId> parent = {};  ///< none: compare with an empty tree
  DiffMaps maps = {};                  ///< used by an `IdMapDriver`
  Control control = {};                ///< used by `diff`
};

/// Computes what changed in a layer relative to its parent. For a driver that can only mount,
/// `drivers::naive` compares trees; `drivers::Any` does so itself.
///
/// - `c.changes(request)`  in path order
/// - `c.diff(request, to)`  the same as archive entries, deletions as whiteouts
/// - `c.diff_size(request)`  bytes of the files added and changed, each inode once
template <class D>
concept DiffDriver = LayerDriver<D> &&
    requires(D const& c, DiffRequest const& request, archive::TarWriter& to) {
  { c.changes(request) } -> std::same_as<std::vector<Change>>;
  { c.diff(request, to) } -> std::same_as<void>;
  { c.diff_size(request) } -> std::same_as<std::int64_t>;
};

/// Shows a layer as a directory of the host. The store counts mounts; the driver is called for the first and
/// the last one.
///
/// - `mount`  returns the directory; the layer must not be mounted yet
/// - `unmount`  no effect if the layer is not mounted. With `Flush::full` all that was written through the
///   mount is durable afterwards; `Flush::none`: nothing was written, or it need not be durable
/// - `is_mounted`  state in the kernel (vfs: always true, since the directory exists)
/// - `mount_path`  the directory that `mount` uses
template <class D>
concept MountDriver = LayerDriver<D> &&
    requires(D& d, D const& c, LayerId const& id, MountRequest const& request, Flush flush) {
  { d.mount(id, request) } -> std::same_as<fs::path>;
  { d.unmount(id, flush) } -> std::same_as<void>;
  { c.is_mounted(id) } -> std::same_as<bool>;
  { c.mount_path(id) } -> std::same_as<fs::path>;
};

/// Unpacks into a layer while it, or a layer above it, is mounted and in use.
///
/// - `d.in_place(id, request)`  takes entries as `Staged` does; they appear in the layer one by one.
///   `Errc::layer_unknown`
template <class D>
concept InPlaceDriver = MountDriver<D> && requires(D& d, LayerId const& id, InPlaceRequest const& request,
                                                   archive::TarHeader const& header, Reader& body) {
  d.in_place(id, request).add(header, body);
  d.in_place(id, request).finish();
};

/// Stores or shows files with owners other than those of the container. `stage` uses `maps` and
/// `parent_maps`: ids in headers are container ids (`Errc::invalid_mappings` if the maps lack one), and files
/// of a parent with other maps get new owners; a copy of a layer with other maps is mounted, compared and
/// exported as that layer.
///
/// - `shifts(maps)`  true if `mount` can show files stored with host ids as `MountRequest::maps` says; layers
///   then need not be stored once per map
/// - `changes`, `diff`, `diff_size`  use `DiffRequest::maps` to report container ids
template <class D>
concept IdMapDriver = DiffDriver<D> && MountDriver<D> && requires(D const& c, IdMaps const& maps) {
  { c.shifts(maps) } -> std::same_as<bool>;
};

/// Holds a resource of the host (a bind mount) while a store is open. The store's lock is held for both
/// calls.
///
/// - `shutdown`  releases it, whichever process acquired it
/// - `resume`  acquires it again if another process has released it meanwhile; called before each mount
template <class D>
concept ShutdownDriver = LayerDriver<D> && requires(D& d) {
  { d.shutdown() } -> std::same_as<void>;
  { d.resume() } -> std::same_as<void>;
};

/// Distinguishes the contents of a layer from those that `replace` puts in their place. Not needed for an
/// `OwnTreeDriver`, whose trees are distinguished by the file system.
///
/// - `c.contents_identity(id)`  a text without line breaks that only `replace` changes; none if there is no
///   such layer
template <class D>
concept IdentityDriver = LayerDriver<D> && requires(D const& c, LayerId const& id) {
  { c.contents_identity(id) } -> std::same_as<std::optional<std::string>>;
};

/// Keeps trees in memory only: none is left when the process ends, so that the store logs no intent for a
/// layer without files of its own (tar-split, big data).
///
/// - `D::in_memory`  true
template <class D>
concept InMemoryDriver = LayerDriver<D> && requires {
  requires D::in_memory;
};

/// Finds layers in read-only stores, and keeps layers that no container writes to in an image store if it was
/// given one (`DriverPlace::image_store`, `StageRequest::writable`).
///
/// - `image_stores`  graph roots of the read-only stores, in search order: `DriverPlace::image_stores` and
///   those of the driver's own options
template <class D>
concept ImageStoreDriver = LayerDriver<D> && requires(D const& c) {
  { c.image_stores() } -> std::same_as<std::vector<fs::path>>;
};

/// Uses layers that other programs provide unpacked ("additional layer stores"), by reference to their files.
///
/// - `find_additional`  searches the stores of the driver's options, by a digest and the reference of an
///   image
/// - `stage_additional`  a tree that stands for that of the other program; it takes no entries
template <class D>
concept LayerStoreDriver = LayerDriver<D> &&
    requires(D& d, D const& c, std::string_view text, AdditionalTree const& tree,
             StageRequest const& request) {
  { c.find_additional(text, text) } -> std::same_as<std::optional<AdditionalTree>>;
  { d.stage_additional(tree, request) } -> std::same_as<typename D::Staged>;
};

/// Can be opened by a store; not required of drivers that tests construct themselves.
template <class D>
concept OpenableDriver =
    LayerDriver<D> && std::constructible_from<D, DriverPlace const&, typename D::Options const&>;

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/concepts/driver.ipp>
#endif

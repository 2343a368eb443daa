#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/durability.hpp>
#include <strata/former.hpp>
#include <strata/id.hpp>
#include <strata/id_map.hpp>
#include <strata/progress.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <filesystem>
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

/// Where a driver keeps its files.
struct DriverPlace {
  std::filesystem::path graph_root;  ///< persistent; a driver's home is `graph_root / name()`
  std::filesystem::path run_root;    ///< lost at reboot
  bool read_only = false;            ///< make and change nothing
  std::vector<std::filesystem::path> image_stores = {};  ///< graph roots with further layers, only read
  std::filesystem::path image_store =
      {};  ///< root for layers that no container writes to; empty: the graph root
};

/// What a new tree starts from.
struct StageRequest {
  std::optional<LayerId> parent = {};  ///< the layer it will be changes to
  /// Start with a copy of this layer's own contents (to change them as a whole).
  std::optional<LayerId> copy_of = {};
  bool writable = false;  ///< for a container: a quota may apply
  Flush flush = Flush::full;
  Control control = {};
  IdMaps maps = {};                   ///< whose ids the new tree's files get
  IdMaps parent_maps = {};            ///< whose ids those of the parent, or of `copy_of`, have
  Former former = Former::gives_way;  ///< of what it starts with
};

/// How entries get into the tree of a layer that is there.
struct InPlaceRequest {
  Flush flush = Flush::full;
  Control control = {};
  IdMaps maps = {};    ///< whose ids its files have
  bool again = false;  ///< the same entries were being put there before, and perhaps were not all
};

/// How a layer is mounted.
struct MountRequest {
  bool read_only = false;
  bool is_volatile = false;               ///< contents need not survive a crash
  std::string label = {};                 ///< SELinux
  std::vector<std::string> options = {};  ///< instead of the driver's own; the driver's words
  IdMaps maps = {};                       ///< show files that are stored with the host's ids with these
};

enum class ChangeKind { modify = 0, add = 1, remove = 2 };

inline std::string_view to_text(ChangeKind kind) noexcept {
  constexpr std::string_view words[] = {"modified", "added", "removed"};
  return words[static_cast<int>(kind)];
}

/// Writes `to_text(kind)`.
template <class CharTraits>
std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out, ChangeKind kind) {
  out << to_text(kind);
  return out;
}

/// One path that differs between two layers.
struct Change {
  std::string path;  ///< absolute within the layer
  ChangeKind kind = ChangeKind::modify;
  auto operator<=>(Change const&) const = default;

  /// For a person: the kind, and the path as it is.
  template <class CharTraits>
  friend std::basic_ostream<char, CharTraits>& operator<<(std::basic_ostream<char, CharTraits>& out,
                                                          Change const& change) {
    out << to_text(change.kind) << ' ' << change.path;
    return out;
  }
};

/// Keeps the files of layers; knows nothing of names, images or metadata.
///
/// A layer is made in two steps, so that no lock is held while bytes move: `stage` builds its tree staging,
/// which may take long and may fail; `publish` puts it in place, which is short. What is staged and not
/// published goes away with the `Staged` object, or, if the process dies, with the next `recover`.
///
/// - `d.name()`               word recorded in the store, which then opens with no other driver
/// - `d.stage(request)`       an empty tree over `request.parent` (vfs: a copy of it), owned by the `Staged`;
///                            `Errc::layer_unknown` if the parent is not there
/// - `staged.add(header, body)`  one archive entry into the tree, at the place that `header.name` has below its root;
///                            whiteouts (".wh.") remove what the parent has; consumes `body`
/// - `staged.finish()`        directory times, write-back; with `Flush::full` all contents are on the device after it
/// - `d.publish(id, staged)`  afterwards `d.exists(id)`, with the staged contents; `Errc::duplicate_id` if it
///                            existed, `Errc::layer_unknown` if the parent has gone meanwhile
/// - `d.replace(id, staged)`  the contents of an existing layer and the staged ones change places, in one step; called
///                            once more it is undone
/// - `d.remove(id)`           afterwards not `d.exists(id)`; what is left to delete is in the `Trash`, to be
///                            emptied without locks; nothing happens if it did not exist
/// - `d.copy_file(id, name, to)`  writes the bytes of the regular file that was put in under `name`;
///                            `Errc::data_unknown` if there is none
/// - `d.recover()`            removes what dead processes left staged or in the trash
/// - `d.status()`             lines for a person: key, value
///
/// `stage`, `add`, `finish` and `copy_file` run without locks, on many threads with different objects; the
/// store's lock serializes the others.  `testing::driver_suite<D>` checks what this concept cannot.
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

/// Whose ids the files of two compared layers have.
struct DiffMaps {
  IdMaps newer = {};
  IdMaps older = {};
};

/// Which layer is compared with which.
struct DiffRequest {
  LayerId layer;
  std::optional<LayerId> parent = {};  ///< none: compared with nothing
  DiffMaps maps = {};                  ///< an `IdMapDriver` honours them
  Control control = {};                ///< of `diff`
};

/// Knows what changed in a layer since its parent. For a driver that can only mount, `drivers::naive` compares trees;
/// `drivers::Any` does so by itself.
///
/// - `c.changes(request)`   in path order
/// - `c.diff(request, to)`  the same as archive entries, deletions as whiteouts
/// - `c.diff_size(request)` bytes of the files added and changed, each inode once
template <class D>
concept DiffDriver = LayerDriver<D> &&
    requires(D const& c, DiffRequest const& request, archive::TarWriter& to) {
  { c.changes(request) } -> std::same_as<std::vector<Change>>;
  { c.diff(request, to) } -> std::same_as<void>;
  { c.diff_size(request) } -> std::same_as<std::int64_t>;
};

/// Shows a layer as a directory of the host. The store counts mounts; the driver sees the first and the last.
///
/// - `mount`       where it appears; a mount of a mounted layer is an error
/// - `unmount`     nothing happens if it is not mounted. With `Flush::full` all that was written through it is on the
///                 device afterwards; `Flush::none`: nothing was, or nobody was promised that it lasts
/// - `is_mounted`  what the kernel says (vfs: always true, for the directory is there)
/// - `mount_path`  where `mount` puts it
template <class D>
concept MountDriver = LayerDriver<D> &&
    requires(D& d, D const& c, LayerId const& id, MountRequest const& request, Flush flush) {
  { d.mount(id, request) } -> std::same_as<std::filesystem::path>;
  { d.unmount(id, flush) } -> std::same_as<void>;
  { c.is_mounted(id) } -> std::same_as<bool>;
  { c.mount_path(id) } -> std::same_as<std::filesystem::path>;
};

/// Unpacks into a layer while others look at it through mounts of it, or of layers that stand on it.
///
/// - `d.in_place(id, request)`  takes entries as `Staged` does, which appear in the layer itself one by one.
///                              `Errc::layer_unknown`
template <class D>
concept InPlaceDriver = MountDriver<D> && requires(D& d, LayerId const& id, InPlaceRequest const& request,
                                                   archive::TarHeader const& header, Reader& body) {
  d.in_place(id, request).add(header, body);
  d.in_place(id, request).finish();
};

/// Keeps or shows files with other owners than those of the container. `stage` honours `maps` and `parent_maps`: header
/// ids are a container's (one that the maps lack is `Errc::invalid_mappings`), and what is there of a parent with
/// other maps gets other owners; a copy of a layer with other maps is shown, compared and exported as that layer.
///
/// - `shifts(maps)`  can `mount` show files that are stored with the host's ids as `MountRequest::maps` says? Then
///                   layers need not be stored once for each map
/// - `changes`, `diff`, `diff_size`  honour `DiffRequest::maps`: they tell the container's ids
template <class D>
concept IdMapDriver = DiffDriver<D> && MountDriver<D> && requires(D const& c, IdMaps const& maps) {
  { c.shifts(maps) } -> std::same_as<bool>;
};

/// Holds something of the host (a bind mount) while a store is open. The store's lock is held for both calls.
///
/// - `shutdown`  gives it back, whoever took it
/// - `resume`    takes it again if another process has given it back meanwhile; needed before each mount
template <class D>
concept ShutdownDriver = LayerDriver<D> && requires(D& d) {
  { d.shutdown() } -> std::same_as<void>;
  { d.resume() } -> std::same_as<void>;
};

/// Tells the contents of a layer from others that `replace` puts in their place. An `OwnTreeDriver` need not: its trees are
/// told apart by the file system.
///
/// - `c.contents_identity(id)`  a text without line breaks, the same until `replace`; none if there is no such layer
template <class D>
concept IdentityDriver = LayerDriver<D> && requires(D const& c, LayerId const& id) {
  { c.contents_identity(id) } -> std::same_as<std::optional<std::string>>;
};

/// Finds layers in further places, which it only reads, and keeps those that no container writes to in a place of their own
/// if it was given one (`DriverPlace::image_store`, `StageRequest::writable`).
///
/// - `image_stores`  the graph roots of those that are only read, in search order: `DriverPlace::image_stores` and those
///                   of the driver's own options
template <class D>
concept ImageStoreDriver = LayerDriver<D> && requires(D const& c) {
  { c.image_stores() } -> std::same_as<std::vector<std::filesystem::path>>;
};

/// Takes layers that other programs show unpacked ("additional layer stores"), by reference to their files.
///
/// - `find_additional`   in the stores of the driver's options, by a digest and the reference of an image
/// - `stage_additional`  a tree that is that of the other program; it takes no entries
template <class D>
concept LayerStoreDriver = LayerDriver<D> &&
    requires(D& d, D const& c, std::string_view text, AdditionalTree const& tree,
             StageRequest const& request) {
  { c.find_additional(text, text) } -> std::same_as<std::optional<AdditionalTree>>;
  { d.stage_additional(tree, request) } -> std::same_as<typename D::Staged>;
};

/// Can be opened by a store on a place; what tests make by hand need not be.
template <class D>
concept OpenableDriver =
    LayerDriver<D> && std::constructible_from<D, DriverPlace const&, typename D::Options const&>;

}  // namespace strata

#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <string>
#include <string_view>

/// Every file and directory name of a store. The layout is that of containers/storage; names that only strata
/// uses are marked "ours".
namespace strata::paths {

inline constexpr std::string_view store_lock = "storage.lock";  ///< in the graph root
inline constexpr std::string_view userns_lock = "userns.lock";  ///< in the graph root
inline constexpr std::string_view lock_extension = ".lock";     ///< `<stem>.lock` beside `<stem>.<extension>`
inline constexpr std::string_view volatile_prefix = "volatile-";       ///< `volatile-<stem>.<extension>`
inline constexpr std::string_view mount_stem = "mountpoints";          ///< in `<run root>/<driver>-layers`
inline constexpr std::string_view tar_split_suffix = ".tar-split.gz";  ///< of a layer's tar-split data
inline constexpr std::string_view user_data = "userdata";  ///< a container's or image's data directory
inline constexpr std::string_view runtime_config =
    "config.json";  ///< in a container's `userdata`: the configuration of its OCI runtime
inline constexpr std::string_view table_trash = "tmp";         ///< in `<driver>-layers`: staging directories
inline constexpr std::string_view temporary_prefix = ".tmp-";  ///< files to be renamed into place
inline constexpr std::string_view damaged_infix =
    ".damaged-";  ///< ours: `<file>.damaged-<digits>`, the file that a repair replaced
inline constexpr std::string_view journal =
    "strata.journal";  ///< ours: the single log of an appending serializer, in the graph root
inline constexpr std::string_view journal_lock = "strata.lock";  ///< ours: guards appends to the journal
inline constexpr std::string_view marker =
    "strata.store";  ///< ours: the writer of a store whose layout is not Podman's

/// The directory of one kind's records and data: `<root>/<driver>-<stem>`.
fs::path kind_directory(fs::path const& root, std::string_view driver, std::string_view stem);

/// True for the name of a file to be renamed into place. The bare prefix is not: it is a valid big-data key.
bool is_temporary(std::string_view name);

/// True if `name`, in a kind's directory, is anything other than the data directory of the item with that id.
bool is_reserved(std::string_view name, std::string_view stem, std::string_view extension);

namespace temp_dir {  // staging directories, as containers/storage 1.59 and later lay them out
inline constexpr std::string_view lock_prefix = "lock-";           ///< `lock-<n>`, locked by the owner
inline constexpr std::string_view directory_prefix = "temp-dir-";  ///< `temp-dir-<n>`
inline constexpr std::string_view addition = "-addition";          ///< `<k>-addition`: being built
inline constexpr std::string_view note = "-note-";  ///< ours: `<k>-note-<text>`, an intent record
inline constexpr std::string_view part = "-part-";  ///< ours: `<k>-part-<text>`, its beginning
}  // namespace temp_dir

namespace overlay {
inline constexpr std::string_view links = "l";    ///< directory of links `l/<link>` -> `../<id>/diff`
inline constexpr std::string_view diff = "diff";  ///< the layer's changes
/// Earlier diff directories, from before the owners of all files were changed; 1 is the latest.
inline std::string older_diff(int number) { return std::string(diff) + std::to_string(number); }
inline constexpr std::string_view link = "link";    ///< the layer's name in `l/`
inline constexpr std::string_view lower = "lower";  ///< `l/<link>:…`: all lower layers, uppermost first
inline constexpr std::string_view lower_layers = "lower-layers";  ///< `<id>:…`, likewise; since 1.63
inline constexpr std::string_view work = "work";                  ///< overlayfs's work directory
/// In `work`; written by the kernel.
inline constexpr std::string_view volatile_mark = "work/incompat/volatile";
inline constexpr std::string_view merged = "merged";  ///< default mount point
inline constexpr std::string_view empty = "empty";    ///< the lower directory of a layer without a parent
inline constexpr std::string_view mapped = "mapped";  ///< temporary mount points of id-mapped layers
inline constexpr std::string_view composefs_image = "composefs-data/composefs.blob";
inline constexpr std::string_view composefs_mounts =
    "composefs-layers";                                 ///< mount points of composefs images during a mount
inline constexpr std::string_view staging = "staging";  ///< trees of partial pulls by other programs
inline constexpr std::string_view staging_lock =
    "staging.lock";  ///< locked by the process that fills a directory of staging/
inline constexpr std::string_view temp_dirs = "tempdirs";  ///< staging directories
/// Holds "true" if the store is mounted with a FUSE program, else "false".
inline constexpr std::string_view has_mount_program = ".has-mount-program";
inline constexpr std::string_view backing_device = "backingFsBlockDev";  ///< device node for quotactl(2)
inline constexpr std::string_view additional_layer =
    "additionallayer";  ///< in a layer whose `diff` links to an additional layer store: that directory's path
}  // namespace overlay

namespace layer_store {                           // an additional layer store
inline constexpr std::string_view diff = "diff";  ///< the unpacked tree
inline constexpr std::string_view info = "info";
inline constexpr std::string_view blob = "blob";
inline constexpr std::string_view use = "use";
}  // namespace layer_store

namespace vfs {
inline constexpr std::string_view directories = "dir";     ///< `dir/<id>`: the layer's tree
inline constexpr std::string_view temp_dirs = "tempdirs";  ///< staging directories
}  // namespace vfs

namespace btrfs {
inline constexpr std::string_view subvolumes = "subvolumes";  ///< `subvolumes/<id>`: the layer's tree
inline constexpr std::string_view quotas = "quotas";       ///< `<id>`: a layer's limit in bytes, in decimal
inline constexpr std::string_view temp_dirs = "tempdirs";  ///< ours; containers/storage works in place
}  // namespace btrfs

}  // namespace strata::paths

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/paths.ipp>
#endif

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

/// Every file and directory name of a store. The layout is that of containers/storage; names that only strata
/// uses are marked "ours".
namespace strata::paths {

inline constexpr std::string_view store_lock = "storage.lock";  ///< in the graph root
inline constexpr std::string_view userns_lock = "userns.lock";  ///< in the graph root
inline constexpr std::string_view lock_extension = ".lock";     ///< `<stem>.lock` beside `<stem>.<extension>`
inline constexpr std::string_view volatile_prefix = "volatile-";  ///< `volatile-<stem>.<extension>`
inline constexpr std::string_view mount_stem = "mountpoints";     ///< in `<run root>/<driver>-layers`
inline constexpr std::string_view tar_split_suffix = ".tar-split.gz";
inline constexpr std::string_view user_data = "userdata";  ///< a container's or image's data directory
inline constexpr std::string_view runtime_config =
    "config.json";  ///< in a container's `userdata`: the configuration of its OCI runtime
inline constexpr std::string_view table_trash =
    "tmp";  ///< in `<driver>-layers`: staging directories of deletions and additions
inline constexpr std::string_view temporary_prefix = ".tmp-";  ///< files to be renamed into place
inline constexpr std::string_view damaged_infix =
    ".damaged-";  ///< ours: `<file>.damaged-<digits>`, the file that a repair replaced
inline constexpr std::string_view journal =
    "strata.journal";  ///< ours: the single log of an appending serializer, in the graph root
inline constexpr std::string_view journal_lock = "strata.lock";  ///< ours: guards appends to the journal
inline constexpr std::string_view marker =
    "strata.store";  ///< ours: the writer of a store whose layout is not Podman's

/// The directory of one kind's records and data: `<root>/<driver>-<stem>`.
inline std::filesystem::path kind_directory(std::filesystem::path const& root, std::string_view driver,
                                            std::string_view stem) {
  return root / (std::string(driver) + '-' + std::string(stem));
}

/// True for the name of a file to be renamed into place. The bare prefix is not: it is a valid big-data key.
inline bool is_temporary(std::string_view name) {
  return name.starts_with(temporary_prefix) && name.size() > temporary_prefix.size();
}

/// True if `name`, in a kind's directory, is anything other than the data directory of the item with that id.
inline bool is_reserved(std::string_view name, std::string_view stem, std::string_view extension) {
  auto const file = std::string(stem) + '.' + std::string(extension);
  return name == file || name == std::string(volatile_prefix) + file || name == table_trash ||
         name.ends_with(lock_extension) || name.ends_with(tar_split_suffix) ||
         name.starts_with(temporary_prefix) || name.find(damaged_infix) != std::string_view::npos;
}

namespace temp_dir {  // staging directories, as containers/storage 1.59 and later lay them out
inline constexpr std::string_view lock_prefix = "lock-";
inline constexpr std::string_view directory_prefix = "temp-dir-";
inline constexpr std::string_view addition = "-addition";  ///< `<k>-addition`: being built
inline constexpr std::string_view note = "-note-";         ///< ours: `<k>-note-<text>`, an intent record for
                                                           ///< recovery
inline constexpr std::string_view part = "-part-";         ///< ours: `<k>-part-<text>`, the beginning of a
                                                           ///< long intent record
}  // namespace temp_dir

namespace overlay {
inline constexpr std::string_view links = "l";
inline constexpr std::string_view diff = "diff";
/// Earlier diff directories, from before the owners of all files were changed; 1 is the latest.
inline std::string older_diff(int number) { return std::string(diff) + std::to_string(number); }
inline constexpr std::string_view link = "link";
inline constexpr std::string_view lower = "lower";
inline constexpr std::string_view lower_layers = "lower-layers";  ///< since containers/storage 1.63
inline constexpr std::string_view work = "work";
/// in the layer's directory; written by the kernel
inline constexpr std::string_view volatile_mark = "work/incompat/volatile";
inline constexpr std::string_view merged = "merged";
inline constexpr std::string_view empty = "empty";
inline constexpr std::string_view mapped = "mapped";  ///< mount points of id-mapped lower layers during a
                                                      ///< mount
inline constexpr std::string_view composefs_image = "composefs-data/composefs.blob";
inline constexpr std::string_view composefs_mounts =
    "composefs-layers";  ///< mount points of composefs images during a mount
inline constexpr std::string_view staging = "staging";
inline constexpr std::string_view staging_lock =
    "staging.lock";  ///< locked by the process that fills a directory of staging/
inline constexpr std::string_view temp_dirs = "tempdirs";
inline constexpr std::string_view has_mount_program = ".has-mount-program";
inline constexpr std::string_view backing_device = "backingFsBlockDev";
inline constexpr std::string_view additional_layer =
    "additionallayer";  ///< in a layer whose `diff` links to an additional layer store: that directory's path
}  // namespace overlay

namespace layer_store {  // entries of a layer's directory in an additional layer store, which another program
                         // serves
inline constexpr std::string_view diff = "diff";
inline constexpr std::string_view info = "info";
inline constexpr std::string_view blob = "blob";
inline constexpr std::string_view use = "use";
}  // namespace layer_store

namespace vfs {
inline constexpr std::string_view directories = "dir";
inline constexpr std::string_view temp_dirs = "tempdirs";
}  // namespace vfs

namespace btrfs {
inline constexpr std::string_view subvolumes = "subvolumes";
inline constexpr std::string_view quotas = "quotas";       ///< `<id>`: a layer's limit in bytes, in decimal
inline constexpr std::string_view temp_dirs = "tempdirs";  ///< ours; containers/storage builds and deletes in
                                                           ///< place
}  // namespace btrfs

}  // namespace strata::paths

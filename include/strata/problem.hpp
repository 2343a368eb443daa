#pragma once

#include <strata/separate.hpp>
#include <strata/subject.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

/// The results of `store.check()` and of the drivers' own checks. Plain values.
namespace strata {

/// How serious a problem is.
enum class Severity {
  note,     ///< wastes space, or the next writer repairs it; no item is affected
  warning,  ///< works now, but not with every program or not after the next operation
  error,    ///< an item differs from its record or cannot be used
};

std::string_view to_text(Severity severity) noexcept;

/// Machine-readable kind of a problem; `Problem::text` is the message for people.
enum class ProblemKind {
  record_file_damaged,      ///< a record file cannot be parsed; what is readable of it is checked
  record_unreadable,        ///< an element of a record file is not a record
  duplicate_id,             ///< two records of a kind share an id
  duplicate_name,           ///< two records of a kind share a name, or one lists it twice
  digest_invalid,           ///< a recorded digest is malformed; Go programs refuse the whole store
  parent_missing,           ///< a layer's parent has no record
  parent_circle,            ///< a layer is its own ancestor
  layer_incomplete,         ///< being created or removed, or left so by a crash
  layer_unreferenced,       ///< no image and no container uses the layer
  layer_unaccounted,        ///< the driver has a layer without a record
  tree_missing,             ///< the driver has no files for a layer
  archive_missing,          ///< an imported layer has no tar-split data
  archive_damaged,          ///< the tar-split data cannot be read to its end
  content_checksum,         ///< a file differs from the imported one
  content_digest,           ///< the rebuilt tar does not match the recorded digest
  content_size,             ///< the rebuilt tar does not match the recorded size
  content_modified,         ///< an owner, mode, time or name differs from the tar
  content_foreign,          ///< the tree has an entry that the tar does not have
  content_unpackable,       ///< a file is missing or changed, and unpacking the tar would not repair it
  data_missing,             ///< recorded big data has no file
  data_size,                ///< a big-data file does not match the recorded size
  data_digest,              ///< a big-data file does not match the recorded digest, or none is recorded
  data_unrecorded,          ///< a big-data file that the record does not name
  image_layer_missing,      ///< an image's top layer has no record
  mapped_layer_missing,     ///< an image's id-mapped copy of its top layer has no record
  image_missing,            ///< a container's image has no record
  container_layer_missing,  ///< a container's layer has no record
  driver_files,     ///< what the driver keeps beside a layer's tree is lost or wrong; see `Problem::code`
  unreadable,       ///< a file that may be in order: the device, a right or a limit keeps it from being read
  orphan,           ///< files of an item that has no record
  leftover,         ///< what a crash left: temporary files, staged trees, trash
  mount_stale,      ///< counted as mounted, and is not
  mount_uncounted,  ///< mounted, and not counted
};

std::string_view to_text(ProblemKind kind) noexcept;

/// What `repair` does about a problem.
enum class RepairAction {
  none,     ///< nothing: needs a person, or disappears with what it belongs to
  repair,   ///< rebuilt from existing data; loses nothing
  discard,  ///< removed: nothing can use it
};

std::string_view to_text(RepairAction action) noexcept;

/// One problem found by a check.
struct Problem {
  Severity severity = Severity::error;
  Subject subject = Subject::store;
  std::string id = {};  ///< of the item; for the store: a path
  ProblemKind kind = ProblemKind::orphan;
  std::string code = {};   ///< a driver's own word for what is wrong, if it has one
  std::string text = {};   ///< one line; those that containers/storage has too are worded like its
  std::string about = {};  ///< key of big data, id of another item, path, or empty
  RepairAction action = RepairAction::none;
  bool read_only = false;  ///< in an additional store, which is never repaired from here
  bool inherited = false;  ///< of an image's layer or a container's image, repeated here
};

/// One word for what is wrong: the driver's, or that of the kind.
std::string_view problem_code(Problem const& problem) noexcept;

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/problem.ipp>
#endif

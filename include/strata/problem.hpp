#pragma once

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

inline std::string_view to_text(Severity severity) noexcept {
  constexpr std::string_view words[] = {"note", "warning", "error"};
  return words[static_cast<int>(severity)];
}

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

inline std::string_view to_text(ProblemKind kind) noexcept {
  constexpr std::array words{
      std::string_view("record-file-damaged"),
      std::string_view("record-unreadable"),
      std::string_view("duplicate-id"),
      std::string_view("duplicate-name"),
      std::string_view("digest-invalid"),
      std::string_view("parent-missing"),
      std::string_view("parent-circle"),
      std::string_view("layer-incomplete"),
      std::string_view("layer-unreferenced"),
      std::string_view("layer-unaccounted"),
      std::string_view("tree-missing"),
      std::string_view("archive-missing"),
      std::string_view("archive-damaged"),
      std::string_view("content-checksum"),
      std::string_view("content-digest"),
      std::string_view("content-size"),
      std::string_view("content-modified"),
      std::string_view("content-foreign"),
      std::string_view("content-unpackable"),
      std::string_view("data-missing"),
      std::string_view("data-size"),
      std::string_view("data-digest"),
      std::string_view("data-unrecorded"),
      std::string_view("image-layer-missing"),
      std::string_view("mapped-layer-missing"),
      std::string_view("image-missing"),
      std::string_view("container-layer-missing"),
      std::string_view("driver-files"),
      std::string_view("unreadable"),
      std::string_view("orphan"),
      std::string_view("leftover"),
      std::string_view("mount-stale"),
      std::string_view("mount-uncounted"),
  };
  static_assert(words.size() == static_cast<std::size_t>(ProblemKind::mount_uncounted) + 1);
  return words[static_cast<std::size_t>(kind)];
}

/// What `repair` does about a problem.
enum class RepairAction {
  none,     ///< nothing: needs a person, or disappears with what it belongs to
  repair,   ///< rebuilt from existing data; loses nothing
  discard,  ///< removed: nothing can use it
};

inline std::string_view to_text(RepairAction action) noexcept {
  constexpr std::string_view words[] = {"none", "repair", "discard"};
  return words[static_cast<int>(action)];
}

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
inline std::string_view problem_code(Problem const& problem) noexcept {
  return problem.code.empty() ? to_text(problem.kind) : std::string_view(problem.code);
}

}  // namespace strata

#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

/// What `store.check()` finds: values without behaviour, which drivers fill in as well.
namespace strata {

enum class Severity {
  note,     ///< costs space, or is put right by whoever passes next; no item suffers
  warning,  ///< works here and now, but not with every program or not after the next step
  error,    ///< an item is not what its record says, or cannot be used
};

inline std::string_view to_text(Severity severity) noexcept {
  constexpr std::string_view words[] = {"note", "warning", "error"};
  return words[static_cast<int>(severity)];
}

/// What a finding is about.
enum class Subject { layer, image, container, store };

inline std::string_view to_text(Subject subject) noexcept {
  constexpr std::string_view words[] = {"layer", "image", "container", "store"};
  return words[static_cast<int>(subject)];
}

/// What is wrong, for programs; the finding's text is for people.
enum class ProblemKind {
  record_file_damaged,      ///< a record file cannot be parsed; what can be read of it is looked at
  record_unreadable,        ///< an element of a record file is no record
  duplicate_id,             ///< two records of a kind have one id
  duplicate_name,           ///< two records of a kind have one name, or one has it twice
  digest_invalid,           ///< a recorded digest that is none; programs in Go refuse the whole store for it
  parent_missing,           ///< a layer's parent has no record
  parent_circle,            ///< a layer is its own ancestor
  layer_incomplete,         ///< still being made or removed, or left so by a crash
  layer_unreferenced,       ///< neither an image nor a container needs it
  layer_unaccounted,        ///< the driver has a layer that has no record
  tree_missing,             ///< the driver has no files of a layer
  archive_missing,          ///< a layer was imported, and what rebuilds its tar has gone
  archive_damaged,          ///< what rebuilds its tar cannot be read to its end
  content_checksum,         ///< a file is not the one that was imported
  content_digest,           ///< the rebuilt tar has another digest than is recorded
  content_size,             ///< the rebuilt tar has another length than is recorded
  content_modified,         ///< an owner, a mode, a time or a name is not as in the tar
  content_foreign,          ///< something in the tree that the tar does not tell of
  content_unpackable,       ///< a file is missing or changed, and unpacking the tar would not put it right
  data_missing,             ///< big data that is recorded has no file
  data_size,                ///< its file has another length than is recorded
  data_digest,              ///< its file has another digest than is recorded, or none is
  data_unrecorded,          ///< a file of big data that the record does not name
  image_layer_missing,      ///< an image's top layer has no record
  mapped_layer_missing,     ///< a copy of it with other owners has none
  image_missing,            ///< a container's image has no record
  container_layer_missing,  ///< a container's layer has no record
  link_lost,                ///< overlay: the file `link` or the entry of `l/` that belongs to it
  link_dangling,            ///< overlay: an entry of `l/` that leads to no layer
  lower_wrong,              ///< overlay: `lower` is lost or names other layers than the records do
  lower_layers_wrong,       ///< overlay: the same of `lower-layers`
  directory_missing,        ///< overlay: `work`, `merged`, `empty`
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
      std::string_view("link-lost"),
      std::string_view("link-dangling"),
      std::string_view("lower-wrong"),
      std::string_view("lower-layers-wrong"),
      std::string_view("directory-missing"),
      std::string_view("unreadable"),
      std::string_view("orphan"),
      std::string_view("leftover"),
      std::string_view("mount-stale"),
      std::string_view("mount-uncounted"),
  };
  static_assert(words.size() == static_cast<std::size_t>(ProblemKind::mount_uncounted) + 1);
  return words[static_cast<std::size_t>(kind)];
}

/// What a repair does about it.
enum class RepairAction {
  none,     ///< nothing: it is for a person, or it goes with what it hangs on
  repair,   ///< rebuilt from what is there; nothing is lost
  discard,  ///< removed: nobody can use it
};

inline std::string_view to_text(RepairAction action) noexcept {
  constexpr std::string_view words[] = {"none", "repair", "discard"};
  return words[static_cast<int>(action)];
}

struct Problem {
  Severity severity = Severity::error;
  Subject subject = Subject::store;
  std::string id = {};  ///< of the item; of the store: a path
  ProblemKind kind = ProblemKind::orphan;
  std::string text = {};   ///< one line; those that containers/storage has too are worded like its
  std::string about = {};  ///< key of big data, id of another item, path, or empty
  RepairAction action = RepairAction::none;
  bool read_only = false;  ///< of an additional store, which nobody repairs from here
  bool inherited = false;  ///< of an image's layer or a container's image, told of here as well
};

}  // namespace strata

#pragma once

#include "state.hpp"
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// One change to a store, as data: any program can be asked to make it.
namespace crash_recovery {

enum class Kind {
  create_layer,
  import_layer,
  apply_layer,
  delete_layer,
  create_image,
  delete_image,
  create_container,
  delete_container,
  add_names,
  set_names,
  remove_names,
  set_metadata,
  set_data,
  erase_data,
  write_files,  ///< mount a container, change files in it, unmount
  collect_garbage,
  check,
  repair,
  dedup,
  wipe,
};

inline constexpr std::array<std::string_view, 20> kind_words{"create-layer",
                                                             "import-layer",
                                                             "apply-layer",
                                                             "delete-layer",
                                                             "create-image",
                                                             "delete-image",
                                                             "create-container",
                                                             "delete-container",
                                                             "add-names",
                                                             "set-names",
                                                             "remove-names",
                                                             "set-metadata",
                                                             "set-data",
                                                             "erase-data",
                                                             "write-files",
                                                             "collect-garbage",
                                                             "check",
                                                             "repair",
                                                             "dedup",
                                                             "wipe"};
static_assert(kind_words.size() == static_cast<std::size_t>(Kind::wipe) + 1);

inline std::string_view to_text(Kind kind) { return kind_words[static_cast<std::size_t>(kind)]; }

struct Operation {
  Kind kind = Kind::check;
  std::string item = {};  ///< "layer", "image" or "container", where the kind does not say
  std::string id = {};
  std::string below = {};  ///< parent, top layer or image
  std::vector<std::string> names = {};
  std::string key = {};   ///< of big data
  std::string text = {};  ///< metadata, or the bytes of big data
  std::shared_ptr<std::string const> tar = {};
  std::string compression = {};  ///< of the tar: "gzip", "zstd" or empty
  bool is_volatile = false;
  bool mapped = false;  ///< with ids of its own
  std::vector<std::pair<std::string, std::optional<std::string>>> edits =
      {};  ///< of files, in this order; none: remove

  std::string title() const {
    std::string out(to_text(kind));
    if (!item.empty()) out += ' ' + item;
    if (!id.empty()) out += ' ' + id;
    if (!below.empty()) out += " on " + below;
    for (auto const& name : names) out += " name " + name;
    if (!key.empty()) out += " key " + key;
    if (!text.empty()) out += " of " + std::to_string(text.size()) + " bytes";
    if (tar) out += " tar of " + std::to_string(tar->size()) + " bytes " + compression;
    if (is_volatile) out += " volatile";
    if (mapped) out += " mapped";
    for (auto const& [path, content] : edits) out += (content ? " +" : " -") + path;
    return out;
  }
};

/// An operation and what there is after it.
struct Step {
  Operation operation = {};
  State after = {};
};

}  // namespace crash_recovery

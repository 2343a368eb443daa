#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/tree_path.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/sys/trash.hpp>
#include <strata/timestamp.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Keeps layers in memory, for tests and dry runs; they end with the object and its copies, which share them.
///
/// The shortest driver there is, to copy from. A layer is a map from path to file, complete like a directory of
/// vfs; what a child does not change it shares with its parent. Symbolic links are kept, but not followed by names.
class Memory {
 public:
  struct Options {};

 private:
  /// Holes take memory here; an archive of a few bytes must not ask for all of it.
  static constexpr std::int64_t largest_sparse = std::int64_t{1} << 30;

  struct File {
    archive::TarHeader header;  ///< `name` and, except for symbolic links, `link_name` are not used
    std::string bytes;
  };
  using Tree = std::map<std::string, std::shared_ptr<File const>>;  ///< by path; hard links share the file
  struct Layer {
    Tree tree;
    std::optional<LayerId> parent;
  };

 public:
  /// A tree of its own; a copy is another.
  class Staged {
   public:
    void add(archive::TarHeader const& header, Reader& body);
    void finish() {}

   private:
    friend class Memory;
    void remove_old(std::string const& directory, std::string_view base);

    Layer layer_ = {};
    Control control_ = {};
    std::set<std::string> new_ = {};  ///< paths that this archive put in, and the directories above them
  };

  Memory() = default;
  explicit Memory(DriverPlace const&) {}
  Memory(DriverPlace const&, Options const&) {}

  static constexpr std::string_view name() noexcept { return "memory"; }

  Staged stage(StageRequest const& request) {
    Staged staged;
    staged.control_ = request.control;
    if (request.parent) staged.layer_.tree = get(*request.parent)->tree;
    if (request.copy_of) staged.layer_.tree = get(*request.copy_of)->tree;
    staged.layer_.parent = request.parent;
    return staged;
  }

  void publish(LayerId const& id, Staged staged) {
    std::lock_guard const lock(state_->mutex);
    if (staged.layer_.parent && !state_->layers.contains(*staged.layer_.parent))
      throw unknown(*staged.layer_.parent);
    if (!state_->layers.try_emplace(id, std::make_shared<Layer>(std::move(staged.layer_))).second)
      throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
  }

  Trash replace(LayerId const& id, Staged staged) {
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->layers.find(id);
    if (found == state_->layers.end()) throw unknown(id);
    found->second = std::make_shared<Layer>(std::move(staged.layer_));
    return {};
  }

  Trash remove(LayerId const& id) {
    std::lock_guard const lock(state_->mutex);
    state_->layers.erase(id);
    return {};
  }

  bool exists(LayerId const& id) const {
    std::lock_guard const lock(state_->mutex);
    return state_->layers.contains(id);
  }

  std::vector<LayerId> list() const {
    std::lock_guard const lock(state_->mutex);
    std::vector<LayerId> ids;
    for (auto const& [id, layer] : state_->layers) ids.push_back(id);
    return ids;
  }

  void copy_file(LayerId const& id, std::string_view file, Writer& to) const {
    auto const layer = get(id);
    auto const found = layer->tree.find(archive::path_in_tree(file));
    if (found == layer->tree.end() || found->second->header.type != archive::EntryType::regular)
      throw Error(Errc::data_unknown, "layer " + id.str() + ", file " + std::string(file));
    to.write(as_bytes(found->second->bytes));
  }

  void recover() {}
  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(LayerId const& id, std::optional<LayerId> const& parent) const;
  void diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
            Control const& control) const;
  std::int64_t diff_size(LayerId const& id, std::optional<LayerId> const& parent) const;

 private:
  struct State {
    std::mutex mutex;  // of the map; a layer in it never changes
    std::map<LayerId, std::shared_ptr<Layer const>> layers;
  };

  static Error unknown(LayerId const& id) { return Error(Errc::layer_unknown, "layer " + id.str()); }

  std::shared_ptr<Layer const> get(LayerId const& id) const {
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->layers.find(id);
    if (found == state_->layers.end()) throw unknown(id);
    return found->second;
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline void Memory::Staged::add(archive::TarHeader const& header, Reader& body) {
  using archive::EntryType;
  control_.check();
  if (header.sparse && header.size > largest_sparse)
    throw Error(Errc::over_budget, "sparse file \"" + header.name + "\" in memory");
  std::string bytes;
  for (Bytes part = body.next(); !part.empty(); part = body.next()) bytes += as_text(part);
  std::string const path = archive::path_in_tree(header.name);
  if (path.empty()) return;  // the root has no attributes here
  archive::TreePath const at(path);
  std::string const parent(at.parent);
  if (at.base == archive::whiteout_opaque) return remove_old(parent, {});
  if (archive::is_whiteout(at.base)) return remove_old(parent, archive::whiteout_target(at.base));

  auto file = std::make_shared<File>(File{header, std::move(bytes)});
  std::erase_if(file->header.xattrs,
                [](auto const& pair) { return !archive::is_unpacked_xattr(pair.first); });
  std::shared_ptr<File const> node = file;
  if (header.type == EntryType::hard_link) {
    auto const target = layer_.tree.find(archive::path_in_tree(header.link_name));
    if (target == layer_.tree.end())
      throw Error(Errc::corrupt_archive, "hard link to missing \"" + header.link_name + '"');
    node = target->second;
  }
  if (header.type != EntryType::directory) {  // takes the place of a directory and of all that is in it
    std::string const below = path + '/';
    std::erase_if(layer_.tree, [&](auto const& pair) { return pair.first.starts_with(below); });
  }
  layer_.tree.insert_or_assign(path, node);
  for (std::string_view up = path; !up.empty() && new_.emplace(up).second;) up = archive::TreePath(up).parent;
  for (auto up = at.parent; !up.empty(); up = archive::TreePath(up).parent) {
    auto& above = layer_.tree[std::string(up)];
    if (above && above->header.type != EntryType::regular) continue;
    above = std::make_shared<File>(File{{.type = EntryType::directory, .mode = 0755}, {}});
  }
}

/// Removes what is not of this archive at `directory`/`base` and below; without a base, only what is below.
inline void Memory::Staged::remove_old(std::string const& directory, std::string_view base) {
  std::string path = directory;
  if (!base.empty()) path.append(path.empty() ? "" : "/").append(base);
  std::string const below = path.empty() ? "" : path + '/';
  std::erase_if(layer_.tree, [&](auto const& pair) {
    bool const meant = pair.first.starts_with(below) || (!base.empty() && pair.first == path);
    return meant && !new_.contains(pair.first);
  });
}

inline std::vector<Change> Memory::changes(LayerId const& id, std::optional<LayerId> const& parent) const {
  auto const layer = get(id);
  auto const older = parent ? get(*parent) : std::make_shared<Layer const>();
  auto const same = [](File const& a, File const& b) {
    bool const directory = a.header.type == archive::EntryType::directory;
    return a.header.type == b.header.type && a.header.mode == b.header.mode && a.header.uid == b.header.uid &&
           a.header.gid == b.header.gid && a.header.dev_major == b.header.dev_major &&
           a.header.dev_minor == b.header.dev_minor && a.header.link_name == b.header.link_name &&
           a.header.xattrs == b.header.xattrs && (directory || a.header.mtime == b.header.mtime) &&
           a.bytes == b.bytes;
  };
  std::map<std::string, ChangeKind> found;
  auto const tell = [&](std::string_view path, ChangeKind kind) {
    found.insert_or_assign(std::string(path), kind);
    for (auto up = archive::TreePath(path).parent; !up.empty(); up = archive::TreePath(up).parent)
      found.try_emplace(std::string(up), ChangeKind::modify);
  };
  for (auto const& [path, file] : layer->tree) {
    auto const was = older->tree.find(path);
    if (was == older->tree.end())
      tell(path, ChangeKind::add);
    else if (was->second != file && !same(*was->second, *file))
      tell(path, ChangeKind::modify);
  }
  for (auto const& [path, file] : older->tree) {
    auto const up = archive::TreePath(path).parent;
    auto const above = layer->tree.find(std::string(up));
    bool const in_directory = up.empty() || (above != layer->tree.end() &&
                                             above->second->header.type == archive::EntryType::directory);
    if (in_directory && !layer->tree.contains(path)) tell(path, ChangeKind::remove);
  }
  std::vector<Change> changes;
  for (auto const& [path, kind] : found) changes.push_back({'/' + path, kind});
  return changes;
}

inline void Memory::diff(LayerId const& id, std::optional<LayerId> const& parent, archive::TarWriter& to,
                         Control const& control) const {
  auto const layer = get(id);
  auto const now = Timestamp::now();
  std::map<File const*, std::string> first_names;
  for (auto const& change : changes(id, parent)) {
    control.check();
    std::string const path = change.path.substr(1);
    if (change.kind == ChangeKind::remove) {
      to.add({.name = archive::whiteout_path(path),
              .mtime = {.seconds = now.seconds, .nanoseconds = now.nanoseconds}});
      continue;
    }
    auto const& file = *layer->tree.at(path);
    auto header = file.header;
    header.name = header.type == archive::EntryType::directory ? path + '/' : path;
    auto const [first, is_first] = first_names.try_emplace(&file, path);
    bool const has_bytes = header.type == archive::EntryType::regular && is_first;
    header.size = has_bytes ? static_cast<std::int64_t>(file.bytes.size()) : 0;
    if (!is_first) {
      header.type = archive::EntryType::hard_link;
      header.link_name = first->second;
    }
    to.add(header);
    if (has_bytes) to.write(as_bytes(file.bytes));
  }
}

inline std::int64_t Memory::diff_size(LayerId const& id, std::optional<LayerId> const& parent) const {
  auto const layer = get(id);
  std::set<File const*> seen;
  std::int64_t bytes = 0;
  for (auto const& change : changes(id, parent))
    if (change.kind != ChangeKind::remove)
      if (auto const& file = *layer->tree.at(change.path.substr(1)); seen.insert(&file).second)
        bytes += static_cast<std::int64_t>(file.bytes.size());
  return bytes;
}

static_assert(DiffDriver<Memory> && OpenableDriver<Memory>);

}  // namespace strata::drivers

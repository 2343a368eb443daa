#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/read_driver.hpp>
#include <strata/error.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/trash.hpp>
#include <strata/timestamp.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/memory_layer.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_path.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::drivers {

/// Keeps layers in memory, for tests and dry runs; they exist as long as the object or a copy of it, which
/// share them.
///
/// The shortest driver, as a template for others. A layer is a complete tree, like a directory of vfs, and is
/// unpacked by the same code; it shares unchanged contents with its parent.
class Memory {
 public:
  struct Options {};

 private:
  /// Limit in bytes. Holes use memory here, which a small archive must not exhaust.
  static constexpr std::int64_t largest_sparse = std::int64_t{1} << 30;

  using File = archive::MemoryNode;
  struct Layer {
    archive::MemoryTree tree = archive::MemoryTree(true);
    std::optional<LayerId> parent = {};
    std::string identity = std::to_string(sys::random_number());
  };

 public:
  /// A tree of its own. Copies are independent.
  class Staged {
   public:
    void add(archive::TarHeader const& header, Reader& body) {
      control_.check();
      if (header.sparse && header.size > largest_sparse)
        throw Error(Errc::over_budget, "sparse file \"" + header.name + "\" in memory");
      applier_->add(header, body);
    }
    void finish() {
      if (applier_) applier_->finish();
    }

   private:
    friend class Memory;
    std::shared_ptr<Layer const>& layer() {
      if (!layer_) {
        finish();
        layer_ = std::make_shared<Layer>(Layer{.tree = std::move(applier_->tree()), .parent = parent_});
      }
      return layer_;
    }

    std::unique_ptr<archive::BasicApplier<archive::MemoryTree>> applier_ = {};
    std::optional<LayerId> parent_ = {};
    Control control_ = {};
    std::shared_ptr<Layer const> layer_ = {};  ///< set once it is complete
  };

  Memory() = default;
  explicit Memory(DriverPlace const&) {}
  Memory(DriverPlace const&, Options const&) {}

  static constexpr std::string_view name() noexcept { return "memory"; }
  static constexpr bool in_memory = true;

  Staged stage(StageRequest const& request) {
    Staged staged;
    staged.control_ = request.control;
    staged.parent_ = request.parent;
    auto const from = request.copy_of ? request.copy_of : request.parent;
    if (request.parent) get(*request.parent);
    staged.applier_ = std::make_unique<archive::BasicApplier<archive::MemoryTree>>(
        from ? get(*from)->tree : archive::MemoryTree(true),
        archive::ApplyOptions{.whiteouts = archive::Whiteouts::execute});
    return staged;
  }

  void publish(LayerId const& id, Staged staged) {
    std::lock_guard const lock(state_->mutex);
    if (staged.parent_ && !state_->layers.contains(*staged.parent_)) throw unknown(*staged.parent_);
    if (!state_->layers.try_emplace(id, staged.layer()).second)
      throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
  }

  void replace(LayerId const& id, Staged& staged) {
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->layers.find(id);
    if (found == state_->layers.end()) throw unknown(id);
    std::swap(found->second, staged.layer());
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
    auto const path = archive::path_in_tree(file);
    archive::TreePath const at(path);
    auto const place = archive::resolve(layer->tree, at.parent);
    auto const& children = place.place.directory->children;
    auto const found = place.found() ? children.find(at.base) : children.end();
    if (found == children.end() || !S_ISREG(found->second->mode))
      throw Error(Errc::data_unknown, "layer " + id.str() + ", file " + std::string(file));
    if (found->second->bytes) to.write(as_bytes(*found->second->bytes));
  }

  std::optional<LayerTree> read_tree(LayerId const& id, ReadMaps const&) const {
    auto const layer = get(id);
    return LayerTree(archive::MemoryLayer({layer, &layer->tree}));
  }

  void recover() {}
  std::optional<std::string> contents_identity(LayerId const& id) const {
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->layers.find(id);
    return found == state_->layers.end() ? std::nullopt : std::make_optional(found->second->identity);
  }
  std::vector<std::pair<std::string, std::string>> status() const { return {}; }

  std::vector<Change> changes(DiffRequest const& request) const;
  void diff(DiffRequest const& request, archive::TarWriter& to) const;
  std::int64_t diff_size(DiffRequest const& request) const;

 private:
  struct State {
    std::mutex mutex;  // guards the map; a layer in it never changes
    std::map<LayerId, std::shared_ptr<Layer const>> layers;
  };

  using Nodes = std::map<std::string, File const*>;  ///< by path, without the root
  static Nodes nodes_of(Layer const& layer) {
    Nodes nodes;
    layer.tree.walk([&](std::string const& path, File const& node) {
      if (!path.empty()) nodes.emplace(path, &node);
    });
    return nodes;
  }
  static bool same(File const& a, File const& b) {
    return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.device == b.device &&
           a.target == b.target && a.xattrs == b.xattrs && (a.is_directory() || a.mtime == b.mtime) &&
           a.size == b.size && (a.bytes == b.bytes || (a.bytes && b.bytes && *a.bytes == *b.bytes));
  }
  static Error unknown(LayerId const& id) { return Error(Errc::layer_unknown, "layer " + id.str()); }

  std::shared_ptr<Layer const> get(LayerId const& id) const {
    std::lock_guard const lock(state_->mutex);
    auto const found = state_->layers.find(id);
    if (found == state_->layers.end()) throw unknown(id);
    return found->second;
  }

  std::shared_ptr<State> state_ = std::make_shared<State>();
};

inline std::vector<Change> Memory::changes(DiffRequest const& request) const {
  auto const layer = get(request.layer);
  auto const older = request.parent ? get(*request.parent) : std::make_shared<Layer const>();
  auto const now = nodes_of(*layer);
  auto const before = nodes_of(*older);
  std::map<std::string, ChangeKind> found;
  auto const tell = [&](std::string_view path, ChangeKind kind) {
    found.insert_or_assign(std::string(path), kind);
    for (auto up = archive::TreePath(path).parent; !up.empty(); up = archive::TreePath(up).parent)
      found.try_emplace(std::string(up), ChangeKind::modify);
  };
  for (auto const& [path, node] : now) {
    auto const was = before.find(path);
    if (was == before.end())
      tell(path, ChangeKind::add);
    else if (!same(*was->second, *node))
      tell(path, ChangeKind::modify);
  }
  for (auto const& [path, node] : before) {
    auto const up = archive::TreePath(path).parent;
    auto const above = now.find(std::string(up));
    bool const in_directory = up.empty() || (above != now.end() && above->second->is_directory());
    if (in_directory && !now.contains(path)) tell(path, ChangeKind::remove);
  }
  std::vector<Change> changes;
  for (auto const& [path, kind] : found) changes.push_back({'/' + path, kind});
  return changes;
}

inline void Memory::diff(DiffRequest const& request, archive::TarWriter& to) const {
  auto const layer = get(request.layer);
  auto const nodes = nodes_of(*layer);
  auto const now = Timestamp::now();
  std::map<File const*, std::string> first_names;
  for (auto const& change : changes(request)) {
    request.control.check();
    std::string const path = change.path.substr(1);
    if (change.kind == ChangeKind::remove) {
      to.add({.name = archive::whiteout_path(path),
              .mtime = {.seconds = now.seconds, .nanoseconds = now.nanoseconds}});
      continue;
    }
    auto const& node = *nodes.at(path);
    auto header = archive::header_of(node);
    header.name = node.is_directory() ? path + '/' : path;
    auto const [first, is_first] = first_names.try_emplace(&node, path);
    bool const has_bytes = header.type == archive::EntryType::regular && is_first;
    if (!is_first) {
      header.type = archive::EntryType::hard_link;
      header.link_name = first->second;
      header.size = 0;
    }
    to.add(header);
    if (has_bytes && node.bytes) to.write(as_bytes(*node.bytes));
  }
}

inline std::int64_t Memory::diff_size(DiffRequest const& request) const {
  auto const layer = get(request.layer);
  auto const nodes = nodes_of(*layer);
  std::set<File const*> seen;
  std::int64_t bytes = 0;
  for (auto const& change : changes(request))
    if (change.kind != ChangeKind::remove)
      if (auto const* const node = nodes.at(change.path.substr(1)); seen.insert(node).second)
        bytes += node->size;
  return bytes;
}

static_assert(DiffDriver<Memory> && OpenableDriver<Memory> && IdentityDriver<Memory> &&
              InMemoryDriver<Memory> && ReadDriver<Memory>);

}  // namespace strata::drivers

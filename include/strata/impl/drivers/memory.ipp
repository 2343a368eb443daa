#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/sys/file.hpp>
#include <strata/timestamp.hpp>
#include <strata/tree/applier.hpp>
#include <strata/tree/memory_layer.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/resolve.hpp>
#include <strata/tree/tree_path.hpp>

#include <mutex>
#include <set>
#include <sys/stat.h>

namespace strata::drivers {

struct Memory::Layer {
  archive::MemoryTree tree = archive::MemoryTree(true);
  std::optional<LayerId> parent = {};
  std::string identity = std::to_string(sys::random_number());
};

struct Memory::State {
  std::mutex mutex;  // guards the map; a layer in it never changes
  std::map<LayerId, std::shared_ptr<Layer const>> layers;
};

STRATA_INLINE Memory::Staged::Staged() = default;

STRATA_INLINE Memory::Staged::Staged(Staged&&) noexcept = default;

STRATA_INLINE Memory::Staged& Memory::Staged::operator=(Staged&&) noexcept = default;

STRATA_INLINE Memory::Staged::~Staged() = default;

STRATA_INLINE Memory::Memory() : state_(std::make_shared<State>()) {}

STRATA_INLINE void Memory::Staged::add(archive::TarHeader const& header, Reader& body) {
  control_.check();
  if (header.sparse && header.size > largest_sparse)
    throw Error(Errc::over_budget, "sparse file \"" + header.name + "\" in memory");
  applier_->add(header, body);
}

STRATA_INLINE void Memory::Staged::finish() {
  if (applier_) applier_->finish();
}

STRATA_INLINE auto Memory::Staged::layer() -> std::shared_ptr<Layer const>& {
  if (!layer_) {
    finish();
    layer_ = std::make_shared<Layer>(Layer{.tree = std::move(applier_->tree()), .parent = parent_});
  }
  return layer_;
}

STRATA_INLINE auto Memory::stage(StageRequest const& request) -> Staged {
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

STRATA_INLINE void Memory::publish(LayerId const& id, Staged staged) {
  std::lock_guard const lock(state_->mutex);
  if (staged.parent_ && !state_->layers.contains(*staged.parent_)) throw unknown(*staged.parent_);
  if (!state_->layers.try_emplace(id, staged.layer()).second)
    throw Error(Errc::duplicate_id, "layer " + id.str(), id.str());
}

STRATA_INLINE void Memory::replace(LayerId const& id, Staged& staged) {
  std::lock_guard const lock(state_->mutex);
  auto const found = state_->layers.find(id);
  if (found == state_->layers.end()) throw unknown(id);
  std::swap(found->second, staged.layer());
}

STRATA_INLINE Trash Memory::remove(LayerId const& id) {
  std::lock_guard const lock(state_->mutex);
  state_->layers.erase(id);
  return {};
}

STRATA_INLINE bool Memory::exists(LayerId const& id) const {
  std::lock_guard const lock(state_->mutex);
  return state_->layers.contains(id);
}

STRATA_INLINE std::vector<LayerId> Memory::list() const {
  std::lock_guard const lock(state_->mutex);
  std::vector<LayerId> ids;
  for (auto const& [id, layer] : state_->layers) ids.push_back(id);
  return ids;
}

STRATA_INLINE void Memory::copy_file(LayerId const& id, std::string_view file, Writer& to) const {
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

STRATA_INLINE std::optional<LayerTree> Memory::read_tree(LayerId const& id, ReadMaps const&) const {
  auto const layer = get(id);
  return LayerTree(archive::MemoryLayer({layer, &layer->tree}));
}

STRATA_INLINE std::optional<std::string> Memory::contents_identity(LayerId const& id) const {
  std::lock_guard const lock(state_->mutex);
  auto const found = state_->layers.find(id);
  return found == state_->layers.end() ? std::nullopt : std::make_optional(found->second->identity);
}

STRATA_INLINE auto Memory::nodes_of(Layer const& layer) -> Nodes {
  Nodes nodes;
  layer.tree.walk([&](std::string const& path, File const& node) {
    if (!path.empty()) nodes.emplace(path, &node);
  });
  return nodes;
}

STRATA_INLINE bool Memory::same(File const& a, File const& b) {
  return a.mode == b.mode && a.uid == b.uid && a.gid == b.gid && a.device == b.device &&
         a.target == b.target && a.xattrs == b.xattrs && (a.is_directory() || a.mtime == b.mtime) &&
         a.size == b.size && (a.bytes == b.bytes || (a.bytes && b.bytes && *a.bytes == *b.bytes));
}

STRATA_INLINE auto Memory::get(LayerId const& id) const -> std::shared_ptr<Layer const> {
  std::lock_guard const lock(state_->mutex);
  auto const found = state_->layers.find(id);
  if (found == state_->layers.end()) throw unknown(id);
  return found->second;
}

STRATA_INLINE std::vector<Change> Memory::changes(DiffRequest const& request) const {
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

STRATA_INLINE void Memory::diff(DiffRequest const& request, archive::TarWriter& to) const {
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

STRATA_INLINE std::int64_t Memory::diff_size(DiffRequest const& request) const {
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

STRATA_INLINE Error Memory::unknown(LayerId const& id) {
  return Error(Errc::layer_unknown, "layer " + id.str());
}

}  // namespace strata::drivers

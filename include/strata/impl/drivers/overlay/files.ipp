#pragma once

#include <strata/drivers/overlay/files.hpp>
#include <strata/paths.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/tree/tree_path.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE void LayerFiles::copy(LayerDirs const& dirs, std::string const& id, std::string_view name,
                                    Writer& to) {
  auto const layer = open_layer(dirs, id);
  std::string const path = archive::path_in_tree(name);
  auto file = open_file(layer->tree, path);
  if (!file && errno != ENXIO) {  // ENXIO: a whiteout, which hides the layers below
    for (auto const& lower : layer->lower_trees(dirs)) {
      file = open_file(lower, path);
      if (file || errno == ENXIO) break;
    }
  }
  if (!file) throw Error(Errc::data_unknown, "layer " + id + ", file " + std::string(name));
  copy_all(file, path, to);
}

STRATA_INLINE void LayerFiles::forget() {
  std::lock_guard const lock(mutex_);
  recent_.clear();
}

STRATA_INLINE std::vector<OpenTree> const& LayerFiles::OpenLayer::lower_trees(LayerDirs const& dirs) {
  std::lock_guard const alone(opening);
  if (!lowers) {
    std::vector<OpenTree> opened;
    for (auto const& lower : dirs.lowers(directory)) opened.push_back(OpenTree::of(lower));
    lowers = std::move(opened);
  }
  return *lowers;
}

STRATA_INLINE auto LayerFiles::open_layer(LayerDirs const& dirs, std::string const& id)
    -> std::shared_ptr<OpenLayer> {
  {
    std::lock_guard const lock(mutex_);
    for (auto const& layer : recent_) {
      if (layer->id != id) continue;
      struct stat now {};
      if (::stat((layer->directory / paths::overlay::diff).c_str(), &now) == 0 &&
          now.st_dev == layer->identity.st_dev && now.st_ino == layer->identity.st_ino)
        return layer;
      std::erase(recent_, layer);
      break;
    }
  }
  auto layer = std::make_shared<OpenLayer>();
  layer->id = id;
  layer->directory = dirs.get(id);
  layer->tree = OpenTree::of(layer->directory);
  auto const& diff = layer->tree.data ? layer->tree.data : layer->tree.files;
  layer->identity = sys::status_of(diff.get(), layer->directory.native());
  std::lock_guard const lock(mutex_);
  if (recent_.size() == most_layers) recent_.erase(recent_.begin());
  recent_.push_back(layer);
  return layer;
}

STRATA_INLINE auto LayerFiles::open_file(OpenTree const& tree, std::string const& path) -> OpenFile {
  auto fd =
      sys::try_open_in_root(tree.files.get(), path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!fd) {
    if (sys::is_unopened_device(tree.files.get(), path.c_str())) errno = ENXIO;  // as for other devices
    if (sys::is_transient(errno)) sys::throw_errno("open", path);
    return {};
  }
  auto status = sys::status_of(fd.get(), path);
  if (S_ISREG(status.st_mode)) {
    auto contents = tree.contents(std::move(fd), path);
    if (!contents) {
      if (sys::is_transient(errno)) sys::throw_errno("open", path);
      return {};
    }
    if (tree.data) status = sys::status_of(contents.get(), path);
    if (S_ISREG(status.st_mode)) return {.fd = std::move(contents), .size = status.st_size};
  }
  fd = {};
  errno = ENOENT;
  return {};
}

STRATA_INLINE void LayerFiles::copy_all(OpenFile const& file, std::string const& path, Writer& to) {
  thread_local auto const buffer = std::make_unique<std::byte[]>(buffer_size);
  for (off_t left = file.size; left > 0;) {
    auto const wanted = std::min<off_t>(left, buffer_size);
    auto const size =
        sys::retry([&] { return ::read(file.fd.get(), buffer.get(), static_cast<std::size_t>(wanted)); });
    if (size < 0) sys::throw_errno("read", path);
    if (size == 0) return;
    to.write(Bytes(buffer.get(), static_cast<std::size_t>(size)));
    left -= size;
  }
}

}  // namespace strata::drivers::overlay

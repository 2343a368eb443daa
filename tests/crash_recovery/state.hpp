#pragma once

#include "picture.hpp"
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What a worker's items in a store should be, in the plainest terms: the oracle.
namespace crash_recovery {

/// What a layer holds of its own: path to the hash of the contents; none: hidden or removed. A path that ends in "/" is a
/// directory that was removed with all in it; files that stand in it came later.
using Files = std::map<std::string, std::optional<std::string>>;

struct Common {
  std::set<std::string> names = {};
  std::string metadata = {};
  std::map<std::string, std::string> data = {};  ///< key to hash
};
struct LayerState : Common {
  std::string parent = {};
  std::string tar = {};  ///< digest of the tar it came from; empty: from none
  Files files = {};
};
struct ImageState : Common {
  std::string top = {};
};
struct ContainerState : Common {
  std::string image = {};
  Files files = {};
  bool is_volatile = false;
};

struct State {
  std::map<std::string, LayerState> layers = {};
  std::map<std::string, ImageState> images = {};
  std::map<std::string, ContainerState> containers = {};
};

/// Changes to a tree, over earlier ones.
inline void put_over(Files& own, Files const& change) {
  for (auto const& [path, hash] : change) {
    if (path.ends_with('/'))
      std::erase_if(own, [&](auto const& file) { return file.first.starts_with(path); });
    own[path] = hash;
  }
}

/// What is seen of a layer: its files over its parents'.
inline Files view_of(State const& state, std::string const& layer) {
  if (layer.empty()) return {};
  auto const& here = state.layers.at(layer);
  auto seen = view_of(state, here.parent);
  put_over(seen, here.files);
  std::erase_if(seen, [](auto const& file) { return !file.second; });
  return seen;
}
inline Files view_of(State const& state, ContainerState const& container) {
  auto seen = container.image.empty() ? Files{} : view_of(state, state.images.at(container.image).top);
  put_over(seen, container.files);
  std::erase_if(seen, [](auto const& file) { return !file.second; });
  return seen;
}

/// Whether a layer has a mount of its own in a picture: those that others stand on are seen through them.
inline bool is_shown(State const& state, std::string const& layer) {
  for (auto const& [id, other] : state.layers)
    if (other.parent == layer) return false;
  for (auto const& [id, image] : state.images)
    if (image.top == layer) return false;
  return true;
}

namespace detail {

inline void draw(Picture& picture, std::string const& item, Common const& common) {
  std::string names;
  for (auto const& name : common.names) names += name + ' ';
  picture[item + " names"] = names;
  picture[item + " metadata"] = common.metadata;
  for (auto const& [key, hash] : common.data) picture[item + " data " + key] = hash;
}
inline void draw(Picture& picture, std::string const& item, Files const& files) {
  for (auto const& [path, hash] : files)
    if (hash) picture[item + " file " + path] = *hash;
}

}  // namespace detail

inline Picture picture_of(State const& state) {
  Picture picture;
  for (auto const& [id, layer] : state.layers) {
    auto const item = "layer " + id;
    detail::draw(picture, item, layer);
    picture[item + " parent"] = layer.parent;
    picture[item + " tar"] = layer.tar;
    if (is_shown(state, id)) detail::draw(picture, item, view_of(state, id));
  }
  for (auto const& [id, image] : state.images) {
    auto const item = "image " + id;
    detail::draw(picture, item, image);
    picture[item + " top"] = image.top;
    if (!image.top.empty()) detail::draw(picture, item, view_of(state, image.top));
  }
  for (auto const& [id, container] : state.containers) {
    auto const item = "container " + id;
    detail::draw(picture, item, container);
    picture[item + " image"] = container.image;
    detail::draw(picture, item, view_of(state, container));
  }
  return picture;
}

}  // namespace crash_recovery

#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>

#include "archive.hpp"
#include "operation.hpp"
#include "state.hpp"
#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crash_recovery {

/// Makes up changes of each kind: what is asked for, and what there is afterwards. All items and names that it gives begin with
/// its letter. Each function is false where such a change cannot be made, or there would be too much.
class Changes {
 public:
  Changes(Random random, char maker) : random_(std::move(random)), maker_(maker) {}

  char maker() const noexcept { return maker_; }
  Random& random() noexcept { return random_; }

  bool new_layer(Step& step) {
    auto& [operation, state] = step;
    if (state.layers.size() >= most_layers) return false;
    if (!state.layers.empty() && random_.percent(70)) operation.below = one_of(state.layers);
    operation.id = new_id();
    operation.names = new_names(2);
    operation.text = random_.percent(30) ? words() : "";
    LayerState layer;
    layer.parent = operation.below;
    layer.names = {operation.names.begin(), operation.names.end()};
    layer.metadata = operation.text;
    if (operation.kind == Kind::import_layer) {
      auto archive = random_archive(random_, view_of(state, operation.below));
      layer.tar = strata::Digest::of(strata::as_bytes(*archive.tar)).str();
      layer.files = archive.files;
      fill(operation, archive.tar);
    }
    state.layers[operation.id] = std::move(layer);
    return true;
  }

  /// Of a layer that nothing stands on: whoever is seen through it would change. The archive has all that the layer has, or
  /// comes on top.
  bool apply_layer(Step& step) {
    auto& [operation, state] = step;
    auto const id = one_of(state.layers, [&](auto const& layer, LayerState const& its) {
      return is_shown(state, layer) &&
             std::ranges::all_of(its.files, [](auto const& file) { return file.second.has_value(); });
    });
    if (!id) return false;
    auto& layer = state.layers.at(*id);
    auto below = view_of(state, layer.parent);
    auto const directory = [](std::string const& path) { return path.substr(0, path.find('/') + 1); };
    for (auto const& [path, hash] : layer.files)
      std::erase_if(below, [&](auto const& file) { return directory(file.first) == directory(path); });
    auto archive = random_archive(random_, below, random_.percent(50) ? layer.files : Files());
    layer.tar = strata::Digest::of(strata::as_bytes(*archive.tar)).str();
    put_over(layer.files, archive.files);
    operation.id = *id;
    fill(operation, archive.tar);
    return true;
  }

  bool delete_layer(Step& step) {
    auto& [operation, state] = step;
    auto const id =
        one_of(state.layers, [&](auto const& layer, auto const&) { return is_shown(state, layer); });
    if (!id) return false;
    operation.id = *id;
    state.layers.erase(*id);
    return true;
  }

  bool new_image(Step& step) {
    auto& [operation, state] = step;
    if (state.images.size() >= most_images) return false;
    if (!state.layers.empty() && random_.percent(95)) operation.below = one_of(state.layers);
    operation.id = new_id();
    operation.names = new_names(3);
    operation.text = random_.percent(50) ? words() : "";
    ImageState image;
    image.top = operation.below;
    image.names = {operation.names.begin(), operation.names.end()};
    image.metadata = operation.text;
    state.images[operation.id] = std::move(image);
    return true;
  }

  /// Goes with the layers that nothing else stands on.
  bool delete_image(Step& step) {
    auto& [operation, state] = step;
    auto const id = one_of(state.images, [&](auto const& image, auto const&) {
      return std::ranges::none_of(state.containers, [&](auto const& c) { return c.second.image == image; });
    });
    if (!id) return false;
    operation.id = *id;
    auto layer = state.images.at(*id).top;
    state.images.erase(*id);
    while (!layer.empty() && is_shown(state, layer)) {
      auto const parent = state.layers.at(layer).parent;
      state.layers.erase(layer);
      layer = parent;
    }
    return true;
  }

  bool new_container(Step& step) {
    auto& [operation, state] = step;
    if (state.containers.size() >= most_containers) return false;
    if (!state.images.empty() && random_.percent(95)) operation.below = one_of(state.images);
    operation.id = new_id();
    operation.names = new_names(2);
    operation.text = random_.percent(50) ? words() : "";
    operation.is_volatile = random_.percent(10);
    operation.mapped = random_.percent(20);
    ContainerState container;
    container.image = operation.below;
    container.names = {operation.names.begin(), operation.names.end()};
    container.metadata = operation.text;
    container.is_volatile = operation.is_volatile;
    state.containers[operation.id] = std::move(container);
    return true;
  }

  bool delete_container(Step& step) {
    auto& [operation, state] = step;
    if (state.containers.empty()) return false;
    operation.id = one_of(state.containers);
    state.containers.erase(operation.id);
    return true;
  }

  bool change_names(Step& step) {
    if (!pick_item(step)) return false;
    auto& [operation, state] = step;
    auto& names = common_of(state, operation.item, operation.id).names;
    if (operation.kind == Kind::remove_names) {
      if (names.empty()) return false;
      operation.names = {*std::next(names.begin(), static_cast<std::ptrdiff_t>(random_.below(names.size())))};
      names.erase(operation.names.front());
      return true;
    }
    operation.names = new_names(3);
    if (operation.names.empty()) operation.names = {std::string("localhost/") + maker_ + ":again"};
    for (auto const& name : operation.names) take(state, operation.item, name);
    if (operation.kind == Kind::set_names) names.clear();
    names.insert(operation.names.begin(), operation.names.end());
    return true;
  }
  /// A name that another item of the kind has moves.
  static void take(State& state, std::string const& item, std::string const& name) {
    auto const from = [&](auto& map) {
      for (auto& [id, other] : map) other.names.erase(name);
    };
    if (item == "layer") from(state.layers);
    if (item == "image") from(state.images);
    if (item == "container") from(state.containers);
  }

  bool set_metadata(Step& step) {
    if (!pick_item(step)) return false;
    auto& [operation, state] = step;
    operation.text = words();
    common_of(state, operation.item, operation.id).metadata = operation.text;
    return true;
  }

  bool set_data(Step& step) {
    if (!pick_item(step)) return false;
    auto& [operation, state] = step;
    constexpr std::string_view keys[] = {"manifest", "sha256:key of many words", "plain.1", "signature-1"};
    operation.key = random_.pick(keys);
    operation.text = random_content(random_);
    common_of(state, operation.item, operation.id).data[operation.key] = hash_of(operation.text);
    return true;
  }

  bool erase_data(Step& step) {
    if (!pick_item(step)) return false;
    auto& [operation, state] = step;
    auto& data = common_of(state, operation.item, operation.id).data;
    if (data.empty()) return false;
    operation.key = one_of(data);
    data.erase(operation.key);
    return true;
  }

  bool write_files(Step& step) {
    auto& [operation, state] = step;
    if (state.containers.empty()) return false;
    operation.id = one_of(state.containers);
    auto& container = state.containers.at(operation.id);
    for (auto n = random_.below(6) + 1; n > 0; --n) {
      auto const seen = view_of(state, container);
      Files change;
      if (!seen.empty() && random_.percent(30)) {
        auto path = one_of(seen);
        if (random_.percent(25)) path.resize(path.find('/') + 1);
        change[path] = std::nullopt;
        operation.edits.emplace_back(path, std::nullopt);
      } else {
        auto const path = "d" + std::to_string(random_.below(3)) + "/f" + std::to_string(random_.below(12));
        auto content = random_content(random_);
        change[path] = hash_of(content);
        operation.edits.emplace_back(path, std::move(content));
      }
      put_over(container.files, change);
    }
    return true;
  }

 private:
  static constexpr std::size_t most_layers = 7, most_images = 3, most_containers = 3;

  std::string new_id() { return maker_ + std::to_string(++count_); }
  std::vector<std::string> new_names(std::size_t most) {
    std::vector<std::string> names;
    for (auto n = random_.below(most + 1); n > 0; --n)
      names.push_back(std::string("localhost/") + maker_ + ':' + std::to_string(++count_));
    return names;
  }
  std::string words() { return random_.text("abcdefgh \"\\\n", random_.below(200)); }

  template <class Map>
  std::string one_of(Map const& map) {
    return std::next(map.begin(), static_cast<std::ptrdiff_t>(random_.below(map.size())))->first;
  }
  template <class Map, class Fits>
  std::optional<std::string> one_of(Map const& map, Fits const& fits) {
    std::vector<std::string> ids;
    for (auto const& [id, item] : map)
      if (fits(id, item)) ids.push_back(id);
    if (ids.empty()) return std::nullopt;
    return random_.pick(ids);
  }
  static Common& common_of(State& state, std::string const& item, std::string const& id) {
    if (item == "layer") return state.layers.at(id);
    if (item == "image") return state.images.at(id);
    return state.containers.at(id);
  }
  /// Any item; false if there is none.
  bool pick_item(Step& step) {
    auto& state = step.after;
    auto const count = state.layers.size() + state.images.size() + state.containers.size();
    if (count == 0) return false;
    auto at = random_.below(count);
    auto const from = [&](std::string const& item, auto const& map) {
      if (!step.operation.id.empty()) return;
      if (at < map.size()) {
        step.operation.item = item;
        step.operation.id = std::next(map.begin(), static_cast<std::ptrdiff_t>(at))->first;
      } else {
        at -= map.size();
      }
    };
    from("layer", state.layers);
    from("image", state.images);
    from("container", state.containers);
    return true;
  }

  void fill(Operation& operation, std::shared_ptr<std::string const> tar) {
    constexpr std::string_view compressions[] = {"", "", "gzip", "zstd"};
    operation.tar = std::move(tar);
    operation.compression = random_.pick(compressions);
  }

  Random random_;
  char maker_;
  std::size_t count_ = 0;
};

}  // namespace crash_recovery

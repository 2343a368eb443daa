#pragma once

#include "json.hpp"
#include "layer_tree.hpp"
#include "session.hpp"
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

/// Commands that list and describe items.
namespace oci_storage {

/// Go has a nil slice for layers and images where there are none.
template <class Item>
std::string records_or_null(std::vector<Item> const& items) {
  return items.empty() ? "null" : json::records_text(items);
}

namespace detail {
template <class Map>
auto const& look_up(Map const& map, std::string const& key) {
  static typename Map::mapped_type const none;
  auto const found = map.find(key);
  return found == map.end() ? none : found->second;
}
}  // namespace detail

/// Which images and containers stand on each layer.
class LayerUsers {
 public:
  explicit LayerUsers(Session& session)
      : images_(session.store.images().list()), containers_(session.store.containers().list()) {
    for (auto const& image : images_) {
      auto const& record = image.record();
      images_of_[record.top_layer].push_back(&image);
      for (auto const& layer : record.mapped_top_layers) images_of_[layer].push_back(&image);
    }
    for (auto const& container : containers_) containers_of_[container.record().layer].push_back(&container);
  }
  LayerUsers(LayerUsers const&) = delete;
  LayerUsers& operator=(LayerUsers const&) = delete;

  std::vector<Store::Image const*> const& images(std::string const& layer) const {
    return detail::look_up(images_of_, layer);
  }
  std::vector<Store::Container const*> const& containers(std::string const& layer) const {
    return detail::look_up(containers_of_, layer);
  }

 private:
  std::vector<Store::Image> images_;
  std::vector<Store::Container> containers_;
  std::unordered_map<std::string, std::vector<Store::Image const*>> images_of_;
  std::unordered_map<std::string, std::vector<Store::Container const*>> containers_of_;
};

inline int list_layer_tree(Session& session) {
  std::set<std::string> mounted;
  for (auto const& id : session.store.mounted_layers()) mounted.insert(id.str());
  LayerUsers const users(session);
  std::vector<TreeNode> nodes;
  for (auto const& layer : session.store.layers().list()) {
    auto const& record = layer.record();
    auto& notes =
        nodes.emplace_back(TreeNode{record.parent.empty() ? "(base)" : record.parent, record.id}).notes;
    for (auto const& name : record.names) notes.push_back("name: " + name);
    if (mounted.contains(record.id))
      if (auto const path = layer.mounted_at()) notes.push_back("mount: " + path->string());
    for (auto const* image : users.images(record.id)) {
      notes.push_back("image: " + image->record().id);
      for (auto const& name : image->names()) notes.push_back("image name: " + name);
    }
    for (auto const* container : users.containers(record.id)) {
      notes.push_back("container: " + container->record().id);
      for (auto const& name : container->names()) notes.push_back("container name: " + name);
    }
  }
  Tree(std::move(nodes)).print();
  return 0;
}

inline int list_layers(Session& session, Invocation const& call) {
  if (call.options.flag("json")) return say_json(records_or_null(session.store.layers().list()));
  if (call.options.flag("tree")) return list_layer_tree(session);
  auto const layers = session.store.layers().list();
  if (call.options.flag("quick")) {
    for (auto const& layer : layers) say(layer.record().id);
    return 0;
  }
  LayerUsers const users(session);
  for (auto const& layer : layers) {
    auto const& id = layer.record().id;
    say(id);
    for (auto const& name : layer.names()) say("\tname: ", name);
    for (auto const* image : users.images(id)) {
      say("\timage: ", image->record().id);
      for (auto const& name : image->names()) say("\t\tname: ", name);
    }
    for (auto const* container : users.containers(id)) {
      say("\tcontainer: ", container->record().id);
      for (auto const& name : container->names()) say("\t\tname: ", name);
    }
  }
  return 0;
}

/// What the driver has, recorded or not.
inline int list_storage_layers(Session& session, Invocation const& call) {
  std::vector<std::string> ids;
  for (auto const& id : session.store.storage_layers().list()) ids.push_back(id.str());
  if (call.options.flag("json")) return say_json(json::text(ids));
  for (auto const& id : ids) say(id);
  return 0;
}

inline void say_images(std::vector<Store::Image> const& images, bool only_ids) {
  for (auto const& image : images) {
    say(image.record().id);
    if (only_ids) continue;
    for (auto const& name : image.names()) say("\tname: ", name);
    for (auto const& digest : image.digests()) say("\tdigest: ", digest);
    for (auto const& key : image.record().big_data_names) say("\tdata: ", key);
  }
}

inline int list_images(Session& session, Invocation const& call) {
  auto const images = session.store.images().list();
  if (call.options.flag("json")) return say_json(records_or_null(images));
  say_images(images, call.options.flag("quiet"));
  return 0;
}

inline int list_images_by_digest(Session& session, Invocation const& call) {
  auto const images = session.store.images().by_digest(strata::Digest::parse(call.arguments.front()));
  if (call.options.flag("json")) return say_json(json::records_text(images));
  say_images(images, call.options.flag("quiet"));
  return 0;
}

inline int list_containers(Session& session, Invocation const& call) {
  auto const containers = session.store.containers().list();
  if (call.options.flag("json")) return say_json(json::records_text(containers));
  for (auto const& container : containers) {
    say(container.record().id);
    for (auto const& name : container.names()) say("\tname: ", name);
    for (auto const& key : container.record().big_data_names) say("\tdata: ", key);
  }
  return 0;
}

/// Shows those of the arguments that exist; the others only show in the exit status.
template <class Collection, class Describe>
int examine(Collection&& collection, Invocation const& call, Describe&& describe) {
  std::vector<typename decltype(collection.list())::value_type> found;
  for (auto const& argument : call.arguments)
    if (auto item = collection.find(argument)) found.push_back(*std::move(item));
  int status = 0;
  if (call.options.flag("json"))
    status = say_json(json::records_text(found));
  else
    for (auto const& item : found) describe(item);
  return found.size() == call.arguments.size() ? status : 1;
}

inline void say_id_map(std::string_view which, std::vector<strata::IdRange> const& ranges) {
  for (auto const& range : ranges)
    say(which, " mapping: (container=", std::to_string(range.container_id),
        ", host=", std::to_string(range.host_id), ", size=", std::to_string(range.size), ")");
}

inline int show_layers(Session& session, Invocation const& call) {
  return examine(session.store.layers(), call, [](Store::Layer const& layer) {
    auto const& record = layer.record();
    say("ID: ", record.id);
    say_id_map("UID", record.uidmap);
    say_id_map("GID", record.gidmap);
    if (!record.parent.empty()) say("Parent: ", record.parent);
    for (auto const& name : record.names) say("Name: ", name);
    if (layer.read_only()) say("Read Only: true");
  });
}

template <class Item>
void say_size(Item const& item) {
  try {
    say("Size: ", std::to_string(item.size()));
  } catch (strata::Error const& error) {
    bool const itself = error.subject().find(error.holder()) != std::string::npos;  // not one below it
    auto const* what = error.code() == strata::Errc::layer_unknown && itself ? "locating layer"
                                                                             : "determining size of layer";
    say("Size unknown: ", what, " with ID ", go_quoted(error.holder()), ": ", error_text(error));
  }
}

inline int show_images(Session& session, Invocation const& call) {
  return examine(session.store.images(), call, [](Store::Image const& image) {
    auto const& record = image.record();
    say("ID: ", record.id);
    for (auto const& name : record.names) say("Name: ", name);
    say("Top Layer: ", record.top_layer);
    for (auto const& layer : record.mapped_top_layers) say("Top Layer: ", layer);
    for (auto const& digest : image.digests()) say("Digest: ", digest);
    for (auto const& key : record.big_data_names) say("Data: ", key);
    say_size(image);
    if (image.read_only()) say("Read Only: true");
  });
}

inline int show_containers(Session& session, Invocation const& call) {
  return examine(session.store.containers(), call, [&](Store::Container const& container) {
    auto const& record = container.record();
    say("ID: ", record.id);
    for (auto const& name : record.names) say("Name: ", name);
    say("Image: ", record.image);
    if (auto const image = container.image())
      for (auto const& name : image->names()) say("Image name: ", name);
    say_size(container);
    say("Layer: ", record.layer);
    for (auto const& key : record.big_data_names) say("Data: ", key);
  });
}

/// Whether there are items of those names. The type options change the exit status, not what is printed.
inline int check_existence(Session& session, Invocation const& call) {
  std::map<std::string, bool> answers;
  bool all = true;
  for (auto const& argument : call.arguments) {
    bool const exists = session.store.find(argument).has_value();
    all = all && exists && (!call.options.flag("layer") || session.store.layers().exists(argument)) &&
          (!call.options.flag("image") || session.store.images().exists(argument)) &&
          (!call.options.flag("container") || session.store.containers().exists(argument));
    if (bool const repeated = !answers.emplace(argument, exists).second;
        !repeated && !call.options.flag("json") && !call.options.flag("quiet"))
      say(argument, ": ", exists ? "true" : "false");
  }
  int const status = call.options.flag("json") ? say_json(json::text(answers)) : 0;
  return all ? status : 1;
}

}  // namespace oci_storage

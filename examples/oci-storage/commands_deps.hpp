#pragma once

#include "json.hpp"
#include "layer_tree.hpp"
#include "session.hpp"
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// `list-deps`, as the program had it in 2016: which layers, images and containers stand on a layer, or on the layer of
/// an image or a container.
namespace oci_storage {

/// Ids, in the order in which the store lists them, nearest first for layers.
struct Users {
  std::string id;     ///< of the item that was asked about
  std::string layer;  ///< that holds its files
  std::vector<std::string> direct_layers = {}, indirect_layers = {};
  std::vector<std::string> direct_images = {}, indirect_images = {};
  std::vector<std::string> direct_containers = {}, indirect_containers = {};
};

inline Users find_users(Session& session, std::string const& ref) {
  Users users;
  if (auto const container = session.store.containers().find(ref))
    users = {.id = container->record().id, .layer = container->record().layer};
  else if (auto const image = session.store.images().find(ref))
    users = {.id = image->record().id, .layer = image->record().top_layer};
  else
    users.id = users.layer = session.store.layers().get(ref).record().id;

  auto const layers = session.store.layers().list();
  auto const containers = session.store.containers().list();
  std::set<std::string> of_containers;  // a container's layer counts as the container
  for (auto const& container : containers) of_containers.insert(container.record().layer);
  std::vector<std::string> line{users.layer};
  std::set<std::string> above;
  for (std::size_t at = 0; at < line.size() && !users.layer.empty(); ++at)
    for (auto const& layer : layers) {
      auto const& record = layer.record();
      if (record.parent != line[at] || of_containers.contains(record.id) || !above.insert(record.id).second)
        continue;
      line.push_back(record.id);
      (at == 0 ? users.direct_layers : users.indirect_layers).push_back(record.id);
    }
  auto const sort_in = [&](std::string const& id, std::string const& stands_on, auto& direct,
                           auto& indirect) {
    if (!stands_on.empty() && stands_on == users.layer)
      direct.push_back(id);
    else if (above.contains(stands_on))
      indirect.push_back(id);
  };
  for (auto const& image : session.store.images().list())
    sort_in(image.record().id, image.record().top_layer, users.direct_images, users.indirect_images);
  for (auto const& container : containers)
    if (auto const layer = session.store.layers().find(container.record().layer))
      sort_in(container.record().id, layer->record().parent, users.direct_containers,
              users.indirect_containers);
  return users;
}

inline void print_users_tree(Session& session, Users const& users) {
  std::vector<TreeNode> nodes;
  std::set<std::string> listed;
  auto const add = [&](std::string parent, std::string const& id, std::string const& kind,
                       std::vector<std::string> const& names) {
    if (!listed.insert(kind + ' ' + id).second) return;
    auto& notes = nodes.emplace_back(TreeNode{parent.empty() ? "(base)" : std::move(parent), id}).notes;
    notes.push_back("type: " + kind);
    for (auto const& name : names) notes.push_back(kind + " name: " + name);
  };
  auto const add_layer = [&](std::string const& id) {
    if (auto const layer = session.store.layers().find(id))
      add(layer->record().parent, id, "layer", layer->names());
  };
  auto const add_image = [&](std::string const& id) {
    if (auto const image = session.store.images().find(id))
      add(image->record().top_layer, id, "image", image->names());
  };
  auto const add_container = [&](std::string const& id) {
    auto const container = session.store.containers().find(id);
    if (!container) return;
    auto const layer = session.store.layers().find(container->record().layer);
    add(layer ? layer->record().parent : std::string(), id, "container", container->names());
  };
  if (session.store.containers().exists(users.id))
    add_container(users.id);
  else if (session.store.images().exists(users.id))
    add_image(users.id);
  else
    add_layer(users.id);
  for (auto const* list : {&users.direct_layers, &users.indirect_layers})
    for (auto const& id : *list) add_layer(id);
  for (auto const* list : {&users.direct_images, &users.indirect_images})
    for (auto const& id : *list) add_image(id);
  for (auto const* list : {&users.direct_containers, &users.indirect_containers})
    for (auto const& id : *list) add_container(id);
  Tree(std::move(nodes)).print();
}

inline int list_users(Session& session, Invocation const& call) {
  int status = 0;
  for (auto const& argument : call.arguments) {
    Users const users = find_users(session, argument);
    if (call.options.flag("json")) {
      std::string out;
      json::Object(out)
          .member("id", users.id)
          .member("layer", users.layer)
          .member_if_set("directlayers", users.direct_layers)
          .member_if_set("indirectlayers", users.indirect_layers)
          .member_if_set("directimages", users.direct_images)
          .member_if_set("indirectimages", users.indirect_images)
          .member_if_set("directcontainers", users.direct_containers)
          .member_if_set("indirectcontainers", users.indirect_containers);
      status |= say_json(out);
    } else if (call.options.flag("tree")) {
      print_users_tree(session, users);
    } else {
      say("ID: ", users.id);
      say("Layer ID: ", users.layer);
      auto const list = [](std::string_view what, std::vector<std::string> const& ids) {
        for (auto const& id : ids) say(what, id);
      };
      list("Layer (Direct): ", users.direct_layers);
      list("Layer (Indirect): ", users.indirect_layers);
      list("Image (Direct): ", users.direct_images);
      list("Image (Indirect): ", users.indirect_images);
      list("Container (Direct): ", users.direct_containers);
      list("Container (Indirect): ", users.indirect_containers);
    }
  }
  return status;
}

}  // namespace oci_storage

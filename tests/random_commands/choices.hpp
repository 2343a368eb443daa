#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>
#include <strata/sys/xattr.hpp>

#include "generator.hpp"
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>

/// What the generator may choose, a function for each group of commands.
namespace random_commands {

inline Step Generator::choose() {
  // a store that is kept small keeps the commands quick, and what they do on each other likely
  auto const crowded = world_->layers.size() > 24 ? 6u : 1u;
  std::pair<unsigned, Step (Generator::*)()> const choices[] = {
      {60, &Generator::create_layer}, {90, &Generator::import_layer},
      {60, &Generator::create_image}, {60, &Generator::create_container},
      {60, &Generator::list},         {60, &Generator::show},
      {50, &Generator::look_up},      {90, &Generator::change_names},
      {60, &Generator::metadata},     {140, &Generator::data},
      {25, &Generator::directories},  {130, &Generator::differences},
      {50, &Generator::apply},        {90, &Generator::mounting},
      {90, &Generator::edit},         {70, &Generator::copy},
      {35, &Generator::owners},       {70 * crowded, &Generator::removing},
      {35, &Generator::misuse},       {20, &Generator::upkeep},
  };
  unsigned total = 0;
  for (auto const& [weight, choice] : choices) total += weight;
  auto at = random_.below(total);
  for (auto const& [weight, choice] : choices) {
    if (at < weight) return (this->*choice)();
    at -= weight;
  }
  return list();
}

/// Read from a file or from the standard input.
inline void Generator::source(Builder& builder, std::string const& file) {
  if (random_.percent(60))
    builder.option({"file", "f"}, file);
  else if (file != "/nosuch")
    builder.input(file);
}

/// Options for the ids of a layer or a container: mostly none, mostly right, mostly of both kinds.
inline void Generator::maps(Builder& builder) {
  if (random_.percent(70)) return;
  constexpr std::string_view one_offset[] = {"0:100000:70000", "0:0:70000", "0:300000:70000",
                                             "0:100000:1000:1000:101000:69000"};
  constexpr std::string_view scattered[] = {"0:200000:1000:1000:500000:69000",
                                            "0:300000:500:500:400000:69500"};
  bool const contiguous = driver_ == "overlay";  // see `left_out`
  constexpr std::string_view others[] = {"0:100000:1000",           "0:100000", "0:1:2:3", "", "0:x:1",
                                         "0:100000:70000,70000:1:1"};
  auto const user = [&] {
    constexpr std::string_view users[] = {"box", "box", "box", "nosuch", "", "two"};
    return std::string(users[random_.below(contiguous ? 5 : 6)]);
  };
  auto const map = [&] {
    return std::string(random_.percent(8)                  ? random_.pick(others)
                       : contiguous || random_.percent(70) ? random_.pick(one_offset)
                                                           : random_.pick(scattered));
  };
  auto const kind = random_.below(8);
  switch (contiguous && (kind == 3 || kind == 6 || kind == 7) ? 0 : kind) {
    case 0:
    case 1:
    case 2: {
      auto const uids = map();
      builder.option({"uidmap"}, uids).option({"gidmap"}, random_.percent(70) ? uids : map());
      break;
    }
    case 3:
      builder.option({random_.percent(50) ? "uidmap" : "gidmap"}, map());
      break;
    case 4:
      builder.option({random_.percent(50) ? "subuidmap" : "subgidmap"}, user());
      break;
    case 5:
      builder.option({"subuidmap"}, user());
      builder.option({"subgidmap"}, user());
      break;
    case 6:
      builder.flag({"hostuidmap"}).maybe(60, {"hostgidmap"});
      if (random_.percent(20))
        builder.option({random_.percent(50) ? "gidmap" : "uidmap"}, map());
      else if (random_.percent(10))
        builder.option({"subgidmap"}, "box");
      break;
    default:
      builder.flag({"hostgidmap"});
      if (random_.percent(30)) builder.option({random_.percent(50) ? "gidmap" : "uidmap"}, map());
  }
}

inline Step Generator::create_layer() {
  auto builder = command("create-layer");
  if (random_.percent(90)) builder.option({"id", "i"}, new_id(Kind::layer));
  names(builder, 45).json().maybe(5, {"readonly", "r"});
  if (driver_ != "overlay" && random_.percent(5))
    builder.option({"label", "l"}, "system_u:object_r:container_file_t:s0");
  maps(builder);
  if (random_.percent(60)) builder.item(no_copy(some(Kind::layer)));
  return builder.done();
}

inline Step Generator::import_layer() {
  auto builder = command("import-layer");
  if (random_.percent(95)) builder.option({"id", "i"}, new_id(Kind::layer));
  names(builder, 40).json();
  auto const file = random_.percent(3)   ? random_.pick(inputs_.damaged)
                    : random_.percent(2) ? std::string("/nosuch")
                                         : layer_archive();
  source(builder, file);
  maps(builder);
  if (random_.percent(65)) builder.item(no_copy(some(Kind::layer)));
  return builder.done();
}

inline Step Generator::create_image() {
  auto builder = command("create-image");
  if (random_.percent(93)) builder.option({"id", "i"}, new_id(Kind::image));
  names(builder, 50).json();
  if (random_.percent(30)) builder.option({"metadata", "m"}, text());
  if (random_.percent(10)) builder.option({"metadata-file", "f"}, data_file());
  if (random_.percent(8)) {
    constexpr std::string_view digests[] = {
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "sha256:aaaa", "nonsense",
        "md5:d41d8cd98f00b204e9800998ecf8427e"};
    builder.option({"digest", "d"}, std::string(random_.pick(digests)));
  }
  if (random_.percent(85)) builder.item(no_copy(some(Kind::layer)));
  return builder.done();
}

inline Step Generator::create_container() {
  auto builder = command("create-container");
  builder.option({"id", "i"}, new_id(Kind::container));
  names(builder, 40).json();
  if (random_.percent(30)) builder.option({"metadata", "m"}, text());
  if (random_.percent(5)) builder.option({"metadata-file", "f"}, data_file());
  maps(builder);
  builder.item(random_.percent(8) ? std::string() : some(Kind::image));
  return builder.done();
}

inline Step Generator::list() {
  switch (random_.below(6)) {
    case 0:
      return command("layers").json().done();
    case 1:
      return command("layers").maybe(70, {"tree", "t"}).maybe(30, {"quick", "q"}).done();
    case 2:
      return command("images").json().maybe(30, {"quiet", "q"}).done();
    case 3:
      return command("containers").json().done();
    case 4:
      return command("layers").flag({"json", "j"}).done();
    default:
      return command("images").flag({"json", "j"}).done();
  }
}

inline Step Generator::show() {
  auto const kind = any_kind();
  auto builder = command(kind == Kind::layer ? "layer" : kind == Kind::image ? "image" : "container");
  builder.json();
  return items(builder, [&] { return some(kind); }).done();
}

inline Step Generator::look_up() {
  if (random_.percent(25)) {
    constexpr std::string_view digests[] = {
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "sha256:aaaa",
        "md5:d41d8cd98f00b204e9800998ecf8427e",
        "nonsense"};
    return command("images-by-digest")
        .json()
        .maybe(30, {"quiet", "q"})
        .item(std::string(random_.pick(digests)))
        .done();
  }
  auto builder = command("exists");
  builder.json()
      .maybe(15, {"quiet", "q"})
      .maybe(15, {"layer", "l"})
      .maybe(15, {"image", "i"})
      .maybe(15, {"container", "c"});
  return items(builder, [&] { return anything(); }).done();
}

inline Step Generator::change_names() {
  auto const item = anything();
  switch (random_.below(5)) {
    case 0:
      return command("get-names").json().item(item).done();
    case 1:
    case 2: {
      auto builder = command("add-names");
      return names(builder, 60).json().item(item).done();
    }
    case 3: {
      auto builder = command("remove-names");
      for (auto const* kind : {&world_->layers, &world_->images, &world_->containers})
        for (auto const& record : *kind)
          if (record.id == item && !record.names.empty())
            builder.option({"name", "n"}, random_.pick(record.names));
      return names(builder, 30).json().item(item).done();
    }
    default: {
      auto builder = command("set-names");
      return names(builder, 60).json().item(item).done();
    }
  }
}

inline Step Generator::metadata() {
  if (random_.percent(50)) {
    auto builder = command("metadata");
    builder.json().maybe(25, {"quiet", "q"});
    return items(builder, [&] { return anything(); }).done();
  }
  auto builder = command("set-metadata");
  if (random_.percent(75)) builder.option({"metadata", "m"}, text());
  if (random_.percent(30)) builder.option({"metadata-file", "f"}, data_file());
  return builder.item(anything()).done();
}

inline Step Generator::data() {
  auto const kind = any_kind();
  std::string const word = kind == Kind::layer ? "layer" : kind == Kind::image ? "image" : "container";
  auto const item = some(kind);
  auto const what = random_.below(kind == Kind::layer ? 8 : 12);
  if (what == 0) return command(("list-" + word + "-data")).json().item(item).done();
  if (what < 5) {
    auto builder = command(("set-" + word + "-data"));
    source(builder, data_file());
    return builder.item(item).item(random_.percent(20) ? key_of(kind, item) : key()).done();
  }
  if (what < 8) {
    auto builder = command(("get-" + word + "-data"));
    if (random_.percent(30)) builder.option({"file", "f"}, random_.percent(90) ? "out" : "/nosuch/out");
    return builder.item(item).item(key_of(kind, item)).done();
  }
  return command(("get-" + word + (what < 10 ? "-data-size" : "-data-digest")))
      .item(item)
      .item(key_of(kind, item))
      .done();
}

inline Step Generator::directories() {
  switch (random_.below(4)) {
    case 0:
      return command("get-container-dir").item(some(Kind::container)).done();
    case 1:
      return command("get-container-run-dir").item(some(Kind::container)).done();
    case 2:
      return command("get-image-dir").item(some(Kind::image)).done();
    default:
      return command("get-image-run-dir").item(some(Kind::image)).done();
  }
}

inline Step Generator::differences() {
  auto const what = random_.below(4);
  auto builder = command(what == 0 ? "changes" : what == 1 ? "diffsize" : "diff");
  if (what == 0) builder.json();
  if (what >= 2) {
    builder.maybe(60, {"uncompressed", "u"}).maybe(8, {"gzip", "c"});
    builder.maybe(2, {"bzip2", "bz2", "b"}).maybe(2, {"xz", "x"});
    if (random_.percent(10)) builder.option({"file", "f"}, random_.percent(80) ? "out" : "/nosuch/out");
  }
  builder.item(some(Kind::layer));
  // a reference that is not known counts as the parent, but for 1.43's diff on overlay
  if (!world_->layers.empty() && random_.percent(25))
    builder.item(whole_reference(Kind::layer, random_.pick(world_->layers)));
  return builder.done();
}

inline Step Generator::apply() {
  auto builder = command("applydiff");
  source(builder, random_.percent(3) ? std::string("/nosuch") : layer_archive());
  return builder.item(some(Kind::layer)).done();
}

inline Step Generator::mounting() {
  auto const item = [&] { return some(random_.percent(60) ? Kind::container : Kind::layer); };
  switch (random_.below(9)) {
    case 0:
    case 1:
    case 2: {
      auto builder = command("mount");
      builder.json();
      if (random_.percent(5)) builder.option({"opt", "o"}, "ro");
      return items(builder, item).done();
    }
    case 3: {
      auto builder = command("mount");
      builder.json().flag({"read-only", "ro", "r"});
      auto image = some(Kind::image);
      if (auto const* found = world_->find_image(image))  // see `left_out`
        if (auto const* layer = world_->layer(found->parent); layer && !layer->maps.empty()) image = "nosuch";
      return builder.item(image).done();
    }
    case 4: {
      auto builder = command("mounted");
      builder.json();
      return items(builder, item).done();
    }
    default: {
      auto builder = command("unmount");
      builder.json().maybe(15, {"force", "f"});
      auto const mounted = [&] {
        for (auto const& layer : world_->layers)
          if (world_->mounts.contains(layer.id) && random_.percent(70)) {
            for (auto const& container : world_->containers)
              if (container.parent == layer.id) return reference(Kind::container, container);
            return reference(Kind::layer, layer);
          }
        return some(random_.percent(50) ? Kind::image : Kind::container);
      };
      return items(builder, mounted).done();
    }
  }
}

inline Step Generator::owners() {
  auto const kind = random_.percent(50) ? Kind::layer : Kind::container;
  auto builder = command(kind == Kind::layer ? "layer-parent-owners" : "container-parent-owners");
  builder.json();
  auto const item = [&] {
    for (auto const& record : records(kind))  // an answer needs maps, and for some a mount
      if (!record.maps.empty() && random_.percent(30)) return reference(kind, record);
    return some(kind);
  };
  return items(builder, item).done();
}

/// What a layer has itself, without links: a path, or one that is new in a directory of its.
inline std::string Generator::path_in(Record const& layer, bool existing, bool files_only) {
  std::vector<std::string> directories{""}, files;
  auto const top = stores_->layer_tree(layer.id).native();
  boost::system::error_code none;
  for (auto walk = strata::fs::recursive_directory_iterator(top, none);
       walk != strata::fs::recursive_directory_iterator(); walk.increment(none)) {
    auto const type = walk->symlink_status().type();
    if (type == strata::fs::directory_file)
      directories.push_back(walk->path().native().substr(top.size()));
    else if (type == strata::fs::regular_file && strata::sys::list_xattrs(walk->path()).empty())
      files.push_back(walk->path().native().substr(top.size()));
  }
  std::ranges::sort(directories);
  std::ranges::sort(files);
  if (existing && !files.empty() && (files_only || random_.percent(60))) return random_.pick(files);
  if (existing && !files_only) return random_.pick(directories);
  constexpr std::string_view names[] = {"new", "a", "b", "etc", "x y", "deep/er", "z"};
  return random_.pick(directories) + '/' + std::string(random_.pick(names));
}

/// Does something belong to ids that the maps do not have (see `left_out`)?
inline bool Generator::has_foreign_owners(strata::fs::path const& path, strata::IdMaps const& maps) {
  auto const foreign = [&](strata::fs::path const& at) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0) return false;
    auto const lacks = [](strata::IdMap const& map, std::int64_t id) {
      return !map.empty() && !strata::idmap::to_container(map, id);
    };
    return lacks(maps.uids, status.st_uid) || lacks(maps.gids, status.st_gid);
  };
  if (maps.empty()) return false;
  if (foreign(path)) return true;
  if (!is_directory(strata::fs::symlink_status(path))) return false;
  strata::fs::recursive_directory_iterator const below(path);
  return std::ranges::any_of(below, [&](auto const& entry) { return foreign(entry.path()); });
}

/// Files and directories from the host or a layer into a layer, seldom onto the host.
inline Step Generator::copy() {
  auto builder = command("copy");
  builder.json(10);
  auto all = world_->layers;
  // theirs mounts the container whose name it is
  std::erase_if(all, [&](Record const& layer) {
    return std::ranges::any_of(world_->containers, [&](Record const& container) {
      return std::ranges::find(container.names, layer.id) != container.names.end();
    });
  });
  // what a mounted overlay shows when a layer below it changes is not defined; tar-splits would be of another tree
  std::vector<Record> targets;
  for (auto const& layer : all)
    if (std::ranges::find(world_->layers, layer.id, &Record::parent) == world_->layers.end() &&
        (!layer.has_diff || random_.percent(15)))
      targets.push_back(layer);
  bool const nowhere = targets.empty() || random_.percent(4);
  auto const target = nowhere ? Record{} : random_.pick(targets);
  bool const onto_host = random_.percent(7);
  auto at = nowhere ? "/x" : path_in(target, random_.percent(40), false);
  auto const mapped = !target.maps.empty() && !onto_host;
  // such a file may have no owner there, which ours finds out before it makes a directory
  if (mapped && at.ends_with("/deep/er")) at.erase(at.rfind('/'));
  bool const chowns = random_.percent(35);
  bool const files_only = onto_host || (chowns && mapped) || world_->mounts.contains(target.id);
  if (chowns) {
    constexpr std::string_view given[] = {"7", "7:8", "0:0", "1000", "1001:5", "x", "1:x", "-1", "1:2:3", ""};
    builder.option({"chown"}, std::string(given[random_.below(random_.percent(85) ? 5 : 10)]));
  }
  auto const source = [&]() -> std::string {
    auto const kind = random_.below(100);
    if (kind < 4) return "/nosuch";
    if (kind < 35 || all.empty())
      return files_only ? random_.pick(inputs_.data) : random_.pick(inputs_.to_copy);
    if (kind < 37) return "nosuch:/f";
    auto const& layer = random_.pick(all);
    auto from = path_in(layer, random_.percent(95), files_only);
    auto const own = strata::fs::path(stores_->layer_tree(layer.id).native() + from);
    if (has_foreign_owners(own, layer.maps)) return random_.pick(inputs_.data);
    auto const status = strata::fs::symlink_status(own);
    // a new name may be that of a file below, or of a pipe, see `left_out`
    if (!is_directory(status) && !(is_regular_file(status) && strata::sys::list_xattrs(own).empty()))
      from += " too";
    // a directory does not go into itself
    if (!nowhere && layer.id == target.id && (at + '/').starts_with(from + '/'))
      return random_.pick(inputs_.data);
    return plain_reference(layer) + ':' + (from.empty() ? "/" : from);
  };
  builder.item(source());
  while (random_.percent(15)) builder.item(source());
  return builder
      .item(onto_host
                ? "out"
                : (nowhere ? std::string("nosuch") : plain_reference(target)) + ':' + (at.empty() ? "/" : at))
      .done();
}

/// A change in a mounted tree that nothing lies upon; a mount where there is none.
inline Step Generator::edit() {
  auto const& layers = world_->layers;
  for (std::size_t at = 0; at < layers.size(); ++at) {
    auto const& layer = layers[at];
    auto const mount = world_->mounts.find(layer.id);
    if (mount == world_->mounts.end() || random_.percent(30)) continue;
    if (std::ranges::find(layers, layer.id, &Record::parent) != layers.end()) continue;
    if (layer.has_diff && random_.percent(80)) continue;  // the tar-split would be of another tree
    auto item = layer.id;
    if (Words::is_generated(layer.id)) {
      item = "@layers/" + std::to_string(at) + '@';
      for (auto const& container : world_->containers)
        if (container.parent == layer.id) item = "@top:" + container.id + '@';
    }
    Step step{.command = "edit"};
    step.edit = make_edit(random_, item, mount->second, 1'700'000'000 + static_cast<std::int64_t>(made_));
    if (driver_ == "vfs" && !layer.maps.empty()) {
      auto const root = strata::idmap::root_of(layer.maps);
      step.edit->root_uid = static_cast<std::uint32_t>(root.uid);
      step.edit->root_gid = static_cast<std::uint32_t>(root.gid);
    }
    if (auto& edit = *step.edit; edit.kind == Edit::owner && !layer.maps.empty()) {
      // such files are another matter, see `left_out`; what is set instead does not follow a link out of the tree
      edit.kind = Edit::attribute;
      edit.target = "owned";
    }
    return step;
  }
  return command("mount").item(some(random_.percent(70) ? Kind::container : Kind::layer)).done();
}

inline Step Generator::removing() {
  auto const what = random_.below(100);
  if (what < 30) {
    auto builder = command("delete-container");
    builder.json();
    // the beginning of several ids is that of one when the others have gone, which the rules for the words do not see
    return items(builder,
                 [&] {
                   auto const item = some(Kind::container);
                   return item.find_first_not_of('a') == item.npos ? std::string("nosuch") : item;
                 })
        .done();
  }
  if (what < 60) {
    auto builder = command("delete-image");
    builder.json().maybe(20, {"test", "t"});
    return items(builder, [&] { return some(Kind::image); }).done();
  }
  if (what < 85) {
    auto builder = command("delete-layer");
    builder.json().item(some(Kind::layer));
    return builder.done();
  }
  auto builder =
      command("delete");  // looks at nothing that depends on the item: mostly for what nothing does
  builder.json();
  std::string item = random_.percent(5) ? anything() : some(Kind::container);
  return builder.item(no_bearer(no_copy(item))).done();
}

inline Step Generator::misuse() {
  constexpr std::string_view commands[] = {"layers",
                                           "layer",
                                           "images",
                                           "image",
                                           "containers",
                                           "container",
                                           "create-layer",
                                           "import-layer",
                                           "create-image",
                                           "create-container",
                                           "exists",
                                           "metadata",
                                           "set-metadata",
                                           "mount",
                                           "unmount",
                                           "mounted",
                                           "diff",
                                           "changes",
                                           "diffsize",
                                           "applydiff",
                                           "delete",
                                           "delete-layer",
                                           "delete-image",
                                           "delete-container",
                                           "get-names",
                                           "set-names",
                                           "add-names",
                                           "list-image-data",
                                           "get-image-data",
                                           "set-layer-data",
                                           "status",
                                           "wipe",
                                           "shutdown",
                                           "get-container-dir",
                                           "images-by-digest"};
  auto const name = random_.percent(5) ? std::string("no-such-command") : std::string(random_.pick(commands));
  auto builder = command(name);
  switch (random_.below(7)) {
    case 0:
      return builder.raw({"--help"}).done();
    case 1:
      return builder.raw({"--bogus"}).done();
    case 2:
      return builder.raw({"-Z"}).done();
    case 3:
      return builder.raw({"--json=maybe"}).done();
    case 4:
      return builder.raw({"-tZ"}).done();
    case 5:
      if (detail::one_of(name, {"wipe", "shutdown", "layers", "images", "containers", "status"}))
        return builder.item("x").done();
      return builder.done();  // too few
    default:
      if (detail::one_of(name,
                         {"diff", "changes", "diffsize", "applydiff", "set-metadata", "images-by-digest"}))
        return builder.item("one").item("two").item("three").done();
      return builder.raw({"--id"}).done();
  }
}

inline Step Generator::upkeep() {
  switch (random_.below(12)) {
    case 0:
    case 1:
      return command("status").json().done();
    case 2:
    case 3:
      return command("version").json().done();
    case 4:
      return command("wipe").json().done();
    case 5:
      return command("shutdown").json().flag({"force", "f"}).done();
    default:
      return command("shutdown").json().done();
  }
}

}  // namespace random_commands

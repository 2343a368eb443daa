#pragma once

#include "generator.hpp"
#include <string>
#include <string_view>
#include <utility>

/// What the generator may choose, a function for each group of commands.
namespace differential {

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
      {90, &Generator::edit},         {70 * crowded, &Generator::removing},
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

inline void Generator::maps(Builder& builder) {
  if (random_.percent(3)) builder.option({"uidmap"}, "0:100000");
  if (random_.percent(1)) builder.flag({"hostuidmap"}).option({"uidmap"}, "0:1:2");
  if (random_.percent(1)) builder.option({"subuidmap"}, "nosuch");
}

inline Step Generator::create_layer() {
  auto builder = command("create-layer");
  if (random_.percent(90)) builder.option({"id", "i"}, new_id(Kind::layer));
  names(builder, 45).json().maybe(5, {"readonly", "r"});
  if (random_.percent(5)) builder.option({"label", "l"}, "system_u:object_r:container_file_t:s0");
  maps(builder);
  if (random_.percent(60)) builder.item(some(Kind::layer));
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
  if (random_.percent(65)) builder.item(some(Kind::layer));
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
  if (random_.percent(85)) builder.item(some(Kind::layer));
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
    builder.item(reference(Kind::layer, random_.pick(world_->layers)));
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
    case 3:
      return command("mount").json().flag({"read-only", "ro", "r"}).item(some(Kind::image)).done();
    case 4: {
      auto builder = command("mounted");
      builder.json();
      return items(builder, item).done();
    }
    default: {
      auto builder = command("unmount");
      builder.json().maybe(15, {"force", "f"});
      auto const mounted = [&] {
        for (auto const& [layer, path] : world_->mounts)
          if (random_.percent(70)) {
            for (auto const& container : world_->containers)
              if (container.parent == layer) return reference(Kind::container, container);
            if (auto const* record = world_->layer(layer)) return reference(Kind::layer, *record);
          }
        return some(random_.percent(50) ? Kind::image : Kind::container);
      };
      return items(builder, mounted).done();
    }
  }
}

/// A change in a mounted tree that nothing lies upon; a mount where there is none.
inline Step Generator::edit() {
  for (auto const& [layer, path] : world_->mounts) {
    if (random_.percent(30)) continue;
    auto const* record = world_->layer(layer);
    if (!record || std::ranges::find(world_->layers, layer, &Record::parent) != world_->layers.end())
      continue;
    if (record->has_diff && random_.percent(80)) continue;  // the recorded archive would be of another tree
    auto item = layer;
    if (Words::is_generated(layer)) {
      auto const at = std::ranges::find(world_->layers, layer, &Record::id) - world_->layers.begin();
      item = "@layers/" + std::to_string(at) + '@';
      for (auto const& container : world_->containers)
        if (container.parent == layer) item = "@top:" + container.id + '@';
    }
    Step step{.command = "edit"};
    step.edit = make_edit(random_, item, path, 1'700'000'000 + static_cast<std::int64_t>(made_));
    return step;
  }
  return command("mount").item(some(random_.percent(70) ? Kind::container : Kind::layer)).done();
}

inline Step Generator::removing() {
  auto const what = random_.below(100);
  if (what < 30) {
    auto builder = command("delete-container");
    builder.json();
    return items(builder, [&] { return some(Kind::container); }).done();
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
  return builder.item(item).done();
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

}  // namespace differential

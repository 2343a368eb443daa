#pragma once

#include <strata/digest.hpp>
#include <strata/fs.hpp>
#include <strata/problem.hpp>
#include <strata/serializers/json.hpp>
#include <strata/sys/tree.hpp>

#include <boost/filesystem/fstream.hpp>

#include "store/stores.hpp"
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

/// A store that has one of everything, ways to spoil it, and what of it must be the same after it was repaired.
namespace damages {

namespace fs = boost::filesystem;

inline std::string read(fs::path const& path) { return strata::sys::read_file(path); }
inline void write(fs::path const& path, std::string const& text) {
  if (!(fs::ofstream(path, std::ios::binary) << text << std::flush))
    throw std::runtime_error("cannot write " + path.native());
}
inline void edit(fs::path const& path, std::string const& from, std::string const& to) {
  auto text = read(path);
  auto const at = text.find(from);
  if (at == text.npos) throw std::runtime_error("nothing to edit in " + path.native() + ": " + from);
  write(path, text.replace(at, from.size(), to));
}
inline void cut(fs::path const& path, double part) {
  fs::resize_file(path, static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(path)) * part));
}
inline void age(fs::path const& path) {
  timespec const times[2] = {{1'600'000'000, 0}, {1'600'000'000, 0}};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}

inline std::string hex(std::string const& text) {
  return std::string(strata::Digest::of(strata::as_bytes(text)).hex());
}

/// Three layers, one over the other, an image of them and a container of it; beside them a layer with an image of its
/// own. Ids are made as Podman makes them.
template <class S>
struct Sample {
  static constexpr bool overlay = std::same_as<S, stores::Overlay>;
  strata::testing::TempDir directory;
  std::string base, mid, top, lone, image, other, box, box_layer;
  std::string config;

  fs::path graph() const { return directory.path() / "graph"; }
  fs::path run() const { return directory.path() / "run"; }
  fs::path kind(std::string const& stem) const { return graph() / ((overlay ? "overlay-" : "vfs-") + stem); }
  fs::path layers() const { return kind("layers") / "layers.json"; }
  fs::path images() const { return kind("images") / "images.json"; }
  fs::path containers() const { return kind("containers") / "containers.json"; }
  fs::path split(std::string const& id) const { return kind("layers") / (id + ".tar-split.gz"); }
  fs::path home() const { return overlay ? graph() / "overlay" : graph() / "vfs/dir"; }
  fs::path tree(std::string const& id) const { return overlay ? home() / id / "diff" : home() / id; }
  typename S::Options options() const { return {.graph_root = graph(), .run_root = run()}; }

  Sample() {
    S store(options());
    std::vector<std::string> tars{
        stores::tar_of({{"./", ""}, {"./d/", ""}, {"./d/one", "1"}, {"./two", "22"}, {"./empty", ""}}),
        stores::tar_of({{"d/", ""}, {"d/.wh.one", ""}, {"d/three", "333"}}),
        stores::tar_of({{"e/", ""}, {"e/four", "4444"}})};
    std::vector<std::string> ids;
    std::string diff_ids;
    for (auto const& tar : tars) {
      ids.push_back(ids.empty() ? hex(tar) : hex(ids.back() + '+' + hex(tar)));
      diff_ids += (diff_ids.empty() ? "\"sha256:" : ",\"sha256:") + hex(tar) + '"';
      store.layers().import(strata::memory_source(tar),
                            {.id = ids.back(),
                             .names = {"layer-" + std::to_string(ids.size())},
                             .parent = ids.size() > 1 ? ids[ids.size() - 2] : std::string()});
    }
    base = ids[0], mid = ids[1], top = ids[2];
    store.layers().get(mid).big_data().set("cache", "made from the layer");
    config = R"({"architecture":"amd64","rootfs":{"type":"layers","diff_ids":[)" + diff_ids + "]}}";
    image = make_image(store, top, config, "image");
    auto const lone_tar = stores::tar_of({{"alone", "lone"}});
    lone = hex(lone_tar);
    store.layers().import(strata::memory_source(lone_tar), {.id = lone});
    other = make_image(store, lone, R"({"rootfs":{"diff_ids":["sha256:)" + lone + "\"]}}", "other");
    auto container = store.containers().create("image", {.names = {"box"}});
    box = container.id().str();
    box_layer = container.record().layer;
    container.big_data().set("state", "created");
    write(container.directory() / "config.json", R"({"root":{"path":")" + tree(box_layer).native() + "\"}}");
    container.run_directory();
    {
      auto const mount = container.mount();
      write(mount.path() / "d/new", "written in the container");
      fs::remove(mount.path() / "two");
    }
  }

  static std::string make_image(S& store, std::string const& layer, std::string const& config,
                                std::string const& name) {
    auto const id = hex(config);
    auto item = store.images().create({.id = id, .names = {name}, .top_layer = layer});
    std::string const manifest = R"({"schemaVersion":2,"config":{"digest":"sha256:)" + id + "\"}}";
    item.big_data().set("sha256:" + id, config);
    item.big_data().set("manifest-sha256:" + hex(manifest), manifest);
    item.big_data().set("manifest", manifest);
    return id;
  }

  ~Sample() {
    try {
      S(options()).shutdown({.force = true});
    } catch (...) {  // the test says what was wrong
    }
  }
};

/// What a store holds, item by item: "layer <id> record", "layer <id> tar", "layer <id> tree", "image <id> data <key>" …
using Snapshot = std::map<std::string, std::string>;

inline std::string tree_text(fs::path const& top) {
  std::string text;
  strata::sys::walk(top, [&](strata::sys::Visited const& at) {
    text += at.path + ' ' + std::to_string(at.status.st_mode) + ' ' + std::to_string(at.status.st_uid) + ' ' +
            std::to_string(at.status.st_rdev);
    if (S_ISREG(at.status.st_mode))
      text += ' ' + std::to_string(at.status.st_mtime) + ' ' + read(top / at.path);
    text += '\n';
  });
  return text;
}

template <class Record>
std::string record_text(Record const& record) {
  std::string out;
  strata::serializers::json::write_value(out, record, strata::serializers::json::BadUtf8::replace);
  return out;
}

template <class S>
Snapshot snapshot(S& store, Sample<S> const& sample) {
  Snapshot all;
  auto const add_data = [&](std::string const& who, auto& item) {
    all[who + " record"] = record_text(item.record());
    for (auto const& key : item.big_data().names()) all[who + " data " + key] = item.big_data().get(key);
  };
  for (auto& layer : store.layers().list()) {
    auto const who = "layer " + layer.id().str();
    add_data(who, layer);
    // Of a layer that was never a tar one is made, with today's times for what is deleted.
    if (!layer.record().diff_digest.empty())
      all[who + " tar"] =
          hex(stores::diff_of(layer, strata::DiffOptions{.compression = strata::Compression::none}));
    all[who + " tree"] = tree_text(sample.tree(layer.id().str()));
  }
  for (auto& image : store.images().list()) add_data("image " + image.id().str(), image);
  for (auto& container : store.containers().list()) add_data("container " + container.id().str(), container);
  return all;
}

/// A problem by its word: that of a kind, or a driver's own.
struct Code {
  Code(strata::ProblemKind kind) : text(strata::to_text(kind)) {}
  Code(char const* own) : text(own) {}
  std::string_view text;
};

/// Something that happened to a store.
template <class S>
struct Damage {
  std::string name;
  std::function<void(Sample<S> const&)> make;
  Code code;                            ///< what a check tells of it, among other things
  std::vector<std::string> loses = {};  ///< beginnings of what may be another afterwards, or gone
};

/// All that are known.
template <class S>
std::vector<Damage<S>> catalogue() {
  using strata::ProblemKind;
  using Of = Sample<S>;
  std::string const generated(64, 'a');
  auto const records = std::vector<std::string>{"layer * record"};
  std::vector<Damage<S>> all{
      {"layers.json cut short", [](Of const& s) { cut(s.layers(), 0.5); }, ProblemKind::record_file_damaged,
       records},
      {"layers.json overwritten in the middle",
       [](Of const& s) { edit(s.layers(), "\"created\"", "\x01\x02}{\"creat"); },
       ProblemKind::record_file_damaged, records},
      {"layers.json lost", [](Of const& s) { fs::remove(s.layers()); }, ProblemKind::layer_unaccounted,
       records},
      {"images.json cut short",
       [](Of const& s) { cut(s.images(), 0.3); },
       ProblemKind::record_file_damaged,
       {"image * record"}},
      {"images.json lost",
       [](Of const& s) { fs::remove(s.images()); },
       ProblemKind::image_missing,
       {"image * record"}},
      {"containers.json cut short",
       [](Of const& s) { cut(s.containers(), 0.5); },
       ProblemKind::record_file_damaged,
       {"container * record"}},
      {"an element that is no record", [](Of const& s) { edit(s.images(), "[{", "[1,{"); },
       ProblemKind::record_unreadable},
      {"one name twice",
       [](Of const& s) { edit(s.images(), "\"other\"", "\"image\""); },
       ProblemKind::duplicate_name,
       {"image * record"}},
      {"one layer twice",
       [](Of const& s) {
         auto const text = read(s.layers());
         write(s.layers(), text.substr(0, text.size() - 1) + ',' + text.substr(1));
       },
       ProblemKind::duplicate_id, records},
      {"an image's digest that is none",
       [](Of const& s) { edit(s.images(), "\"manifest\":\"sha256:", "\"manifest\":\"sha256:x"); },
       ProblemKind::digest_invalid},
      {"a layer's parent without a record",
       [](Of const& s) {
         auto text = read(s.layers());
         auto const at = text.find("{\"id\":\"" + s.base);
         text.erase(at, text.find("{\"id\":\"" + s.mid) - at);
         write(s.layers(), text);
       },
       ProblemKind::parent_missing,
       {"layer * record"}},
      {"parents in a circle",
       [](Of const& s) {
         edit(s.layers(), "\"names\":[\"layer-1\"]", "\"names\":[\"layer-1\"],\"parent\":\"" + s.top + '"');
       },
       ProblemKind::parent_circle},
      {"a wrong digest of a layer",
       [](Of const& s) { edit(s.layers(), "\"diff-digest\":\"sha256:", "\"diff-digest\":\"sha256:0000"); },
       ProblemKind::digest_invalid,
       {"layer * record"}},
      {"another digest of a layer",
       [](Of const& s) {
         edit(s.layers(), "\"diff-digest\":\"sha256:" + s.base.substr(0, 4), "\"diff-digest\":\"sha256:0000");
       },
       ProblemKind::content_digest},
      {"another size of a layer", [](Of const& s) { edit(s.layers(), "\"diff-size\":", "\"diff-size\":1"); },
       ProblemKind::content_size},
      {"an empty tar-split",
       [](Of const& s) { fs::resize_file(s.split(s.mid), 0); },
       ProblemKind::archive_damaged,
       {"layer * record", "layer * tar"}},
      {"a short tar-split",
       [](Of const& s) { cut(s.split(s.top), 0.6); },
       ProblemKind::archive_damaged,
       {"layer * record", "layer * tar"}},
      {"a pipe in the place of a tar-split",
       [](Of const& s) {
         fs::remove(s.split(s.top));
         if (::mkfifo(s.split(s.top).c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
       },
       ProblemKind::archive_damaged,
       {"layer * record", "layer * tar"}},
      {"a lost tar-split",
       [](Of const& s) { fs::remove(s.split(s.base)); },
       ProblemKind::archive_missing,
       {"layer * record", "layer * tar"}},
      {"another mode and owner",
       [](Of const& s) {
         ::chmod((s.tree(s.base) / "two").c_str(), 0600);
         if (::chown((s.tree(s.base) / "d").c_str(), 5, 6) != 0) throw std::runtime_error("chown");
       },
       ProblemKind::content_modified},
      {"an empty file that is gone", [](Of const& s) { fs::remove(s.tree(s.base) / "empty"); },
       ProblemKind::content_modified},
      {"another content, nobody needs the image",
       [](Of const& s) { write(s.tree(s.lone) / "alone", "LONE"); },
       ProblemKind::content_checksum,
       {"layer *", "image *"}},
      {"a lost tree, nobody needs the image",
       [](Of const& s) { fs::remove_all(s.home() / s.lone); },
       ProblemKind::tree_missing,
       {"layer *", "image *"}},
      {"a lost item of a layer's data",
       [](Of const& s) { fs::remove(s.kind("layers") / s.mid / "cache"); },
       ProblemKind::data_missing,
       {"layer *"}},
      {"another size of an image's data",
       [](Of const& s) { edit(s.images(), "\"manifest\":", "\"manifest\":9"); }, ProblemKind::data_size},
      {"a short item of an image's data",
       [](Of const& s) { cut(s.kind("images") / s.image / "manifest", 0.5); }, ProblemKind::data_size},
      {"another content of an image's data",
       [](Of const& s) { edit(s.kind("images") / s.image / "manifest", "2", "3"); },
       ProblemKind::data_digest},
      {"data without a record",
       [](Of const& s) { write(s.kind("images") / s.image / "more", "more"); },
       ProblemKind::data_unrecorded,
       {"image *"}},
      {"a lost copy of a layer",
       [](Of const& s) {
         edit(s.images(), "\"big-data-names\"", "\"mapped-layers\":[\"gone\"],\"big-data-names\"");
       },
       ProblemKind::mapped_layer_missing},
      {"a layer of the driver alone", [](Of const& s) { fs::create_directories(s.tree("raw")); },
       ProblemKind::layer_unaccounted},
      {"data without an image",
       [=](Of const& s) {
         fs::create_directory(s.kind("images") / generated);
         write(s.kind("images") / generated / "manifest", "{}");
       },
       ProblemKind::orphan},
      {"a directory without a container",
       [=](Of const& s) {
         fs::create_directories(s.kind("containers") / generated / "userdata");
         fs::create_directories(s.run() / s.containers().parent_path().filename() / generated / "userdata");
       },
       ProblemKind::orphan},
      {"temporary files",
       [](Of const& s) {
         for (auto const& path :
              {s.kind("layers") / ".tmp-layers.json", s.kind("images") / s.image / ".tmp-manifest12"}) {
           write(path, "half");
           age(path);
         }
       },
       ProblemKind::leftover},
      {"a mount that is gone",
       [](Of const& s) {
         write(s.run() / s.layers().parent_path().filename() / "mountpoints.json",
               R"([{"id":"nobody","path":"/nowhere","count":2}])");
       },
       ProblemKind::mount_stale},
      {"mount counts that cannot be read",
       [](Of const& s) {
         write(s.run() / s.layers().parent_path().filename() / "mountpoints.json", "[{\"id");
       },
       ProblemKind::record_file_damaged},
  };
  if constexpr (!Of::overlay) return all;
  std::vector<Damage<S>> const more{
      {"temporary files beside a layer's tree",
       [](Of const& s) {
         for (auto const& path : {s.home() / ".tmp-.has-mount-program7", s.home() / s.mid / ".tmp-lower12"}) {
           write(path, "half");
           age(path);
         }
       },
       ProblemKind::leftover},
      {"a lost link", [](Of const& s) { fs::remove(s.home() / s.mid / "link"); }, "link-lost"},
      {"an empty link", [](Of const& s) { fs::resize_file(s.home() / s.base / "link", 0); }, "link-lost"},
      {"a lost entry of l/",
       [](Of const& s) { fs::remove(s.home() / "l" / read(s.home() / s.mid / "link")); }, "link-lost"},
      {"an entry of l/ that leads elsewhere",
       [](Of const& s) {
         auto const link = s.home() / "l" / read(s.home() / s.mid / "link");
         fs::remove(link);
         fs::create_symlink("../" + s.lone + "/diff", link);
       },
       "link-lost"},
      {"no l/ at all", [](Of const& s) { fs::remove_all(s.home() / "l"); }, "link-lost"},
      {"neither link nor entry",
       [](Of const& s) {
         fs::remove(s.home() / "l" / read(s.home() / s.base / "link"));
         fs::remove(s.home() / s.base / "link");
       },
       "link-lost"},
      {"a lost lower", [](Of const& s) { fs::remove(s.home() / s.top / "lower"); }, "lower-wrong"},
      {"a lost lower-layers", [](Of const& s) { fs::remove(s.home() / s.top / "lower-layers"); },
       "lower-layers-wrong"},
      {"neither lower nor lower-layers",
       [](Of const& s) {
         fs::remove(s.home() / s.box_layer / "lower");
         fs::remove(s.home() / s.box_layer / "lower-layers");
       },
       "lower-wrong"},
      {"a short lower", [](Of const& s) { cut(s.home() / s.top / "lower", 0.7); }, "lower-wrong"},
      {"an empty lower-layers", [](Of const& s) { fs::resize_file(s.home() / s.top / "lower-layers", 0); },
       "lower-layers-wrong"},
      {"a lost work directory", [](Of const& s) { fs::remove_all(s.home() / s.box_layer / "work"); },
       "directory-missing"},
      {"an entry of l/ that leads nowhere",
       [](Of const& s) {
         fs::create_symlink("../nobody/diff", s.home() / "l" / "AAAAAAAAAAAAAAAAAAAAAAAAAA");
       },
       "link-dangling"},
      {"a staged tree of a dead process",
       [](Of const& s) {
         fs::create_directories(s.home() / "staging/12/dir");
         write(s.home() / "staging/12/staging.lock", "");
       },
       ProblemKind::leftover},
      {"links, lists and records lost at once",
       [](Of const& s) {
         fs::remove_all(s.home() / "l");
         fs::remove(s.home() / s.mid / "link");
         fs::remove(s.home() / s.top / "lower");
         cut(s.layers(), 0.6);
       },
       ProblemKind::record_file_damaged, records},
  };
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline bool may_change(std::string const& key, std::vector<std::string> const& loses) {
  return std::ranges::any_of(loses, [&](std::string const& pattern) {
    auto const star = pattern.find('*');
    return key.starts_with(pattern.substr(0, star)) && key.ends_with(pattern.substr(star + 1));
  });
}

}  // namespace damages

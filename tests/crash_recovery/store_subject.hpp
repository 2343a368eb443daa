#pragma once

#include <strata/codec/all.hpp>
#include <strata/drivers/any.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/dedup.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/store/store.hpp>
#include <strata/stream/compressing_writer.hpp>

#include <boost/filesystem/fstream.hpp>

#include "subject.hpp"
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace crash_recovery {

/// A store of the library, with a driver that is chosen when it is opened.
template <class Serializer>
class StoreSubject final : public Subject {
  using Store = strata::Store<strata::drivers::Any, Serializer>;

 public:
  StoreSubject(Setting const& setting, Place const& place)
      : store_({.graph_root = place.disk / "graph",
                .run_root = place.run,
                .driver = {.name = setting.driver},
                .image_store = setting.image_store ? place.disk / "images" : strata::fs::path(),
                .transient = setting.transient}) {}

  void run(Operation const& to_do) override {
    switch (to_do.kind) {
      case Kind::create_layer:
        store_.layers().create(
            {.id = to_do.id, .names = to_do.names, .parent = to_do.below, .metadata = to_do.text});
        break;
      case Kind::import_layer:
        store_.layers().import(
            stream_of(to_do),
            {.id = to_do.id, .names = to_do.names, .parent = to_do.below, .metadata = to_do.text});
        break;
      case Kind::apply_layer:
        store_.layers().get(to_do.id).apply(stream_of(to_do));
        break;
      case Kind::delete_layer:
        store_.layers().remove(to_do.id);
        break;
      case Kind::create_image:
        store_.images().create(
            {.id = to_do.id, .names = to_do.names, .top_layer = to_do.below, .metadata = to_do.text});
        break;
      case Kind::delete_image:
        store_.images().remove(to_do.id);
        break;
      case Kind::create_container:
        create_container(to_do);
        break;
      case Kind::delete_container:
        store_.containers().remove(to_do.id);
        break;
      case Kind::add_names:
        with_item(to_do, [&](auto&& item) { item.add_names(to_do.names); });
        break;
      case Kind::set_names:
        with_item(to_do, [&](auto&& item) { item.set_names(to_do.names); });
        break;
      case Kind::remove_names:
        with_item(to_do, [&](auto&& item) { item.remove_names(to_do.names); });
        break;
      case Kind::set_metadata:
        with_item(to_do, [&](auto&& item) { item.set_metadata(to_do.text); });
        break;
      case Kind::set_data:
        with_item(to_do, [&](auto&& item) { item.big_data().set(to_do.key, to_do.text); });
        break;
      case Kind::erase_data:
        with_item(to_do, [&](auto&& item) { item.big_data().erase(to_do.key); });
        break;
      case Kind::write_files:
        write_files(to_do);
        break;
      case Kind::collect_garbage:
        strata::collect_garbage(store_);  // young temporary files are those of the other worker
        break;
      case Kind::check:
        strata::check(store_);
        break;
      case Kind::repair:
        strata::repair(store_);
        break;
      case Kind::dedup:
        strata::dedup_layers(store_);
        break;
      case Kind::wipe:
        store_.wipe();
        break;
    }
  }

  Picture look() override {
    Picture picture;
    std::set<std::string> of_others;  // layers that belong to an item
    for (auto image : store_.images().list()) {
      auto const line = "image " + image.id().str();
      draw(picture, line, image);
      picture[line + " top"] = image.record().top_layer;
      if (!image.record().top_layer.empty()) draw_files(picture, line, image);
      of_others.insert(image.record().mapped_top_layers.begin(), image.record().mapped_top_layers.end());
    }
    for (auto container : store_.containers().list()) {
      auto const line = "container " + container.id().str();
      draw(picture, line, container);
      picture[line + " image"] = container.record().image;
      draw_files(picture, line, container);
      of_others.insert(container.record().layer);
    }
    auto layers = store_.layers().list();
    std::set<std::string> parents;
    for (auto const& image : store_.images().list()) parents.insert(image.record().top_layer);
    for (auto const& layer : layers)
      if (!of_others.contains(layer.id().str())) parents.insert(layer.record().parent);
    for (auto& layer : layers) {
      auto const id = layer.id().str();
      if (of_others.contains(id)) continue;
      auto const line = (id.size() > 20 ? "layer ?" : "layer ") + id;  // made up by the store, and of no item
      draw(picture, line, layer);
      picture[line + " parent"] = layer.record().parent;
      picture[line + " tar"] = layer.record().diff_digest.empty() ? std::string() : exported(layer);
      if (!parents.contains(id)) draw_files(picture, line, layer);
    }
    return picture;
  }

  std::vector<std::string> damage() override {
    std::vector<std::string> out;
    for (auto const& found : strata::check(store_, with_leftovers).problems)
      if (found.severity == strata::Severity::error)
        out.push_back(std::string(problem_code(found)) + ": " + found.text);
    return out;
  }

  std::vector<std::string> repair() override {
    std::vector<std::string> out;
    auto const report = strata::repair(store_, {.check = with_leftovers});
    for (auto const& found : report.after.problems)
      out.push_back(std::string(problem_code(found)) + ": " + found.text);
    for (auto const& failure : report.failures) out.push_back("failed: " + failure.doing);
    return out;
  }

  void collect_garbage() override {
    auto const report = strata::collect_garbage(store_, {.leftover_after = std::chrono::seconds(0)});
    if (report.first_error) std::rethrow_exception(report.first_error);
  }

  void unmount_all() override {
    for (auto const& id : store_.mounted_layers())
      if (auto const layer = store_.layers().find(id)) layer->unmount({.force = true});
  }

 private:
  inline static strata::CheckOptions const with_leftovers{.leftover_after = std::chrono::seconds(0)};

  static strata::Source stream_of(Operation const& to_do) {
    if (to_do.compression.empty()) return strata::memory_source(*to_do.tar);
    std::string out;
    strata::archive::CompressingWriter outlet(
        strata::string_sink(out),
        to_do.compression == "gzip" ? strata::Compression::gzip : strata::Compression::zstd,
        strata::codec::All{});
    outlet.write(strata::as_bytes(*to_do.tar));
    outlet.finish();
    return strata::memory_source(std::move(out));
  }

  template <class Use>
  void with_item(Operation const& to_do, Use&& use) {
    if (to_do.item == "layer") use(store_.layers().get(to_do.id));
    if (to_do.item == "image") use(store_.images().get(to_do.id));
    if (to_do.item == "container") use(store_.containers().get(to_do.id));
  }

  void create_container(Operation const& to_do) {
    strata::ContainerOptions options{
        .id = to_do.id, .names = to_do.names, .metadata = to_do.text, .is_volatile = to_do.is_volatile};
    if (to_do.mapped)
      options.maps = {.uids = {{.container_id = 0, .host_id = 100'000, .size = 65'536}},
                      .gids = {{.container_id = 0, .host_id = 100'000, .size = 65'536}}};
    store_.containers().create(to_do.below, options);
  }

  /// In all the ways that a program in a container may: in place, staging and renamed, appended.
  void write_files(Operation const& to_do) {
    auto const box = store_.containers().get(to_do.id);
    auto const root = box.mount().keep();
    std::size_t count = 0;
    for (auto const& [path, content] : to_do.edits) {
      auto const file = root / path;
      if (!content) {
        strata::fs::remove_all(path.ends_with('/') ? file.parent_path() : file);
        continue;
      }
      strata::fs::create_directories(file.parent_path());
      bool const alone = strata::fs::symlink_status(file).type() == strata::fs::regular_file &&
                         strata::fs::hard_link_count(file) == 1;
      auto const staging = alone && ++count % 2 == 0 ? file : file.parent_path() / ".new";
      strata::fs::ofstream out(staging, std::ios::binary | std::ios::trunc);
      out.write(content->data(), static_cast<std::streamsize>(content->size() / 2));
      out.flush();
      out.write(content->data() + content->size() / 2,
                static_cast<std::streamsize>(content->size() - content->size() / 2));
      out.close();
      if (!out) throw std::runtime_error("cannot write " + staging.native());
      if (staging != file) strata::fs::rename(staging, file);
    }
    box.unmount();
  }

  template <class Item>
  static void draw(Picture& picture, std::string const& line, Item& item) {
    std::string names;
    for (auto const& name : std::set<std::string>(item.names().begin(), item.names().end()))
      names += name + ' ';
    picture[line + " names"] = names;
    picture[line + " metadata"] = item.metadata();
    for (auto const& key : item.big_data().names())
      picture[line + " data " + key] = hash_of(item.big_data().get(key));
  }

  template <class Item>
  static void draw_files(Picture& picture, std::string const& line, Item const& item) {
    auto const root = item.mount({.read_only = true}).keep();
    try {
      for (auto const& entry : strata::fs::recursive_directory_iterator(root)) {
        auto const path = line + " file " + entry.path().lexically_relative(root).native();
        if (strata::fs::is_symlink(entry.symlink_status()))
          picture[path] = "link to " + strata::fs::read_symlink(entry.path()).native();
        else if (strata::fs::is_regular_file(entry.status()))
          picture[path] = hash_of(strata::sys::read_file(entry.path()));
      }
    } catch (...) {
      item.unmount();
      throw;
    }
    item.unmount();
  }

  template <class Item>
  static std::string exported(Item const& item) {
    std::string out;
    item.diff(strata::string_sink(out), {.compression = strata::Compression::none});
    return strata::Digest::of(strata::as_bytes(out)).str();
  }

  Store store_;
};

}  // namespace crash_recovery

#pragma once

#include <strata/fs.hpp>
#include <strata/idmap/range.hpp>

#include <boost/json.hpp>

#include "process.hpp"
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace random_commands {

/// A record as far as the choice of a command needs it.
struct Record {
  std::string id = {};
  std::vector<std::string> names = {};
  std::vector<std::string> keys = {};    ///< of its data
  std::string parent = {};               ///< of a layer; an image's or container's layer
  std::string image = {};                ///< of a container
  bool has_diff = false;                 ///< a layer whose archive was recorded
  std::vector<std::string> mapped = {};  ///< copies of an image's layer with other owners
  strata::IdMaps maps = {};              ///< of a layer or a container
};

/// What the record files of a store say, read anew where a file has changed.
class World {
 public:
  World(strata::fs::path graph, strata::fs::path run, std::string driver)
      : graph_(std::move(graph)), run_(std::move(run)), driver_(std::move(driver)) {}

  std::vector<Record> layers = {}, images = {}, containers = {};
  std::map<std::string, std::string> mounts = {};  ///< layer to mount point

  void refresh() {
    auto const kind = [&](char const* stem) {
      std::string const directory = driver_ + '-' + stem, file = std::string(stem) + ".json";
      return std::vector{graph_ / directory / file, graph_ / directory / ("volatile-" + file),
                         run_ / directory / ("volatile-" + file)};
    };
    refresh(kind("layers"), layers_, [&] { layers = records(layers_.value); });
    refresh(kind("images"), images_, [&] { images = records(images_.value); });
    refresh(kind("containers"), containers_, [&] { containers = records(containers_.value); });
    refresh({run_ / (driver_ + "-layers") / "mountpoints.json"}, mounts_, [&] {
      mounts.clear();
      for (auto const& mount : mounts_.value)
        mounts[text(mount.as_object(), "id")] = text(mount.as_object(), "path");
    });
  }

  /// All records as JSON, one a line, without times: what has to be the same in all stores, but for generated ids.
  std::string lines() const {
    std::string out;
    for (auto const& [kind, title] : {std::pair(&layers_, "layers\n"), std::pair(&images_, "images\n"),
                                      std::pair(&containers_, "containers\n")}) {
      out += title;
      for (auto const& record : kind->value) out += boost::json::serialize(record) + '\n';
    }
    out += "mounts\n";  // their order tells nothing: that of the layers
    for (auto const& layer : layers)
      for (auto const& record : mounts_.value)
        if (record.at("id").as_string() == layer.id) out += boost::json::serialize(record) + '\n';
    return out;
  }

  Record const* container(std::string_view id) const { return find(containers, id); }
  Record const* layer(std::string_view id) const { return find(layers, id); }
  Record const* image(std::string_view id) const { return find(images, id); }

  /// As a command line calls it: by id, by name, by the beginning of its id if no other's begins so.
  Record const* find_layer(std::string_view reference) const { return called(layers, reference); }
  Record const* find_image(std::string_view reference) const { return called(images, reference); }

 private:
  struct Records {
    std::string stamp = {};
    boost::json::array value = {};
  };

  static Record const* find(std::vector<Record> const& records, std::string_view id) {
    auto const found = std::ranges::find(records, id, &Record::id);
    return found == records.end() ? nullptr : &*found;
  }

  static Record const* called(std::vector<Record> const& records, std::string_view reference) {
    if (auto const* record = find(records, reference)) return record;
    Record const* found = nullptr;
    std::size_t alike = 0;
    for (auto const& record : records) {
      if (std::ranges::find(record.names, reference) != record.names.end()) return &record;
      if (reference.empty() || !record.id.starts_with(reference)) continue;
      found = &record;
      ++alike;
    }
    return alike == 1 ? found : nullptr;
  }

  template <class Changed>
  static void refresh(std::vector<strata::fs::path> const& files, Records& records, Changed changed) {
    std::string stamp;
    for (auto const& file : files) {
      struct stat status {};
      if (::stat(file.c_str(), &status) == 0)
        stamp += std::to_string(status.st_ino) + ',' + std::to_string(status.st_mtim.tv_sec) + ',' +
                 std::to_string(status.st_mtim.tv_nsec) + ',' + std::to_string(status.st_size);
      stamp += ';';
    }
    if (stamp == records.stamp) return;
    records.stamp = stamp;
    records.value.clear();
    for (auto const& file : files) {
      if (!strata::fs::exists(file)) continue;
      auto const content = contents(file);
      if (content.empty()) continue;
      auto parsed = boost::json::parse(content);
      if (parsed.is_null()) continue;
      for (auto& record : parsed.as_array()) {
        if (record.as_object().contains("created")) record.as_object()["created"] = "<time>";
        records.value.push_back(std::move(record));
      }
    }
    changed();
  }

  static std::string text(boost::json::object const& object, char const* key) {
    auto const* found = object.if_contains(key);
    return found && found->is_string() ? std::string(found->as_string()) : std::string();
  }
  static std::vector<std::string> texts(boost::json::object const& object, char const* key) {
    std::vector<std::string> out;
    if (auto const* found = object.if_contains(key); found && found->is_array())
      for (auto const& item : found->as_array()) out.emplace_back(item.as_string());
    return out;
  }
  static strata::IdMap map(boost::json::object const& object, char const* key) {
    strata::IdMap out;
    if (auto const* found = object.if_contains(key); found && found->is_array())
      for (auto const& range : found->as_array())
        out.push_back({range.at("container_id").to_number<std::int64_t>(),
                       range.at("host_id").to_number<std::int64_t>(),
                       range.at("size").to_number<std::int64_t>()});
    return out;
  }
  static std::vector<Record> records(boost::json::array const& from) {
    std::vector<Record> out;
    for (auto const& value : from) {
      auto const& object = value.as_object();
      auto const parent = text(object, "parent");
      out.push_back({.id = text(object, "id"),
                     .names = texts(object, "names"),
                     .keys = texts(object, "big-data-names"),
                     .parent = parent.empty() ? text(object, "layer") : parent,
                     .image = text(object, "image"),
                     .has_diff = object.contains("diff-digest"),
                     .mapped = texts(object, "mapped-layers"),
                     .maps = {map(object, "uidmap"), map(object, "gidmap")}});
    }
    return out;
  }

  strata::fs::path graph_, run_;
  std::string driver_;
  Records layers_ = {}, images_ = {}, containers_ = {}, mounts_ = {};
};

}  // namespace random_commands

#pragma once

#include <strata/drivers/overlay/layer_dirs.hpp>
#include <strata/drivers/overlay/options.hpp>
#include <strata/id.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

namespace strata::drivers::overlay {

STRATA_INLINE std::string random_link() {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::array<unsigned char, 26> noise{};
  sys::fill_random(noise);
  std::string link;
  for (auto const byte : noise) link += alphabet[byte % alphabet.size()];
  return link;
}

STRATA_INLINE bool is_reserved(std::string_view name) {
  return name == paths::overlay::links || name == paths::overlay::staging ||
         name == paths::overlay::temp_dirs || name == paths::overlay::backing_device || name.starts_with('.');
}

STRATA_INLINE bool is_probe(fs::path const& directory) {
  auto const name = directory.filename().native();
  auto const digits = name.find_last_not_of("0123456789") + 1;
  return digits != name.size() &&
         std::ranges::find(probe_names, std::string_view(name).substr(0, digits)) != probe_names.end() &&
         !sys::is_present(directory / paths::overlay::diff) &&
         !sys::is_present(directory / paths::overlay::link);
}

STRATA_INLINE std::optional<std::string> read_link(fs::path const& path) {
  std::array<char, PATH_MAX> target{};
  auto const size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) {
    if (sys::is_transient(errno)) sys::throw_errno("readlink", path);
    return std::nullopt;
  }
  return std::string(target.data(), static_cast<std::size_t>(size));
}

STRATA_INLINE LayerDirs::LayerDirs(fs::path home, std::vector<fs::path> const& other_homes,
                                   fs::path image_store) {
  homes_.push_back(std::move(home));
  if (!image_store.empty()) {
    homes_.push_back(std::move(image_store));
    own_homes_ = 2;
  }
  homes_.insert(homes_.end(), other_homes.begin(), other_homes.end());
}

STRATA_INLINE fs::path LayerDirs::own(std::string_view id) const {
  for (auto const& place : own_homes().subspan(1))
    if (auto path = place / id; holds_directory(path) && !holds_directory(home() / id)) return path;
  return home() / id;
}

STRATA_INLINE bool LayerDirs::is_own(fs::path const& layer) const {
  return std::ranges::find(own_homes(), layer.parent_path()) != own_homes().end();
}

STRATA_INLINE std::optional<fs::path> LayerDirs::find(std::string_view id) const {
  if (is_reserved(id)) return std::nullopt;
  for (auto const& home : homes_)
    if (auto path = home / id; holds_directory(path)) return path;
  return std::nullopt;
}

STRATA_INLINE fs::path LayerDirs::get(std::string_view id) const {
  if (auto path = find(id)) return *std::move(path);
  throw Error(Errc::layer_unknown, "layer " + std::string(id));
}

STRATA_INLINE std::vector<std::string> LayerDirs::lower_ids(fs::path const& layer) const {
  if (auto const text = sys::read_stored(layer / paths::overlay::lower_layers)) return split(*text, ':');
  std::vector<std::string> ids;
  auto const text = sys::read_stored(layer / paths::overlay::lower);
  if (!text) return ids;
  std::optional<std::map<std::string, std::string>> scanned;
  for (auto const& entry : split(*text, ':')) {
    auto const link = fs::path(entry).filename().native();
    auto id = id_behind(link);
    if (!id) {
      if (!scanned) scanned = links_by_file();
      if (auto const found = scanned->find(link); found != scanned->end()) id = found->second;
    }
    if (!id) throw Error(Errc::parent_unknown, "layer " + layer.filename().native() + ", link " + entry);
    ids.push_back(*std::move(id));
  }
  return ids;
}

STRATA_INLINE std::vector<fs::path> LayerDirs::lowers(fs::path const& layer) const {
  std::vector<fs::path> directories;
  for (auto const& id : lower_ids(layer)) {
    auto path = is_safe_component(id) ? find(id) : std::nullopt;
    if (!path) throw Error(Errc::parent_unknown, "layer " + layer.filename().native() + ", below it " + id);
    directories.push_back(*std::move(path));
  }
  return directories;
}

STRATA_INLINE std::vector<fs::path> LayerDirs::trees_below(fs::path const& layer) const {
  std::vector<fs::path> trees;
  auto const add_older = [&](fs::path const& of) {
    for (int i = 1;; ++i) {
      auto path = of / paths::overlay::older_diff(i);
      if (!holds_directory(path)) return;
      trees.push_back(std::move(path));
    }
  };
  add_older(layer);
  for (auto const& lower : lowers(layer)) {
    trees.push_back(lower / paths::overlay::diff);
    add_older(lower);
  }
  return trees;
}

STRATA_INLINE std::optional<std::string> LayerDirs::link_of(fs::path const& layer) const {
  auto link = sys::read_stored(layer / paths::overlay::link);
  if (!link || !is_safe_component(*link)) return std::nullopt;
  if (!sys::is_present(layer.parent_path() / paths::overlay::links / *link)) return std::nullopt;
  return link;
}

STRATA_INLINE auto LayerDirs::lists_for_child_of(fs::path const& parent) const -> std::optional<Lists> {
  auto const link = link_of(parent);
  if (!link) return std::nullopt;
  Lists lists{.parent_link = *link,
              .lower = std::string(paths::overlay::links) + '/' + *link,
              .lower_layers = parent.filename().native()};
  auto const ids = lower_ids(parent);
  for (auto const& id : ids) lists.lower_layers += ':' + id;
  if (auto const below = sys::read_stored(parent / paths::overlay::lower); below && !below->empty()) {
    lists.lower += ':' + *below;
  } else {
    for (auto const& id : ids) {
      auto const link_below = link_of(get(id));
      if (!link_below) return std::nullopt;
      lists.lower += ':' + std::string(paths::overlay::links) + '/' + *link_below;
    }
  }
  return lists;
}

STRATA_INLINE void LayerDirs::repair() const {
  std::map<std::string, std::string> link_by_id;
  for (auto const& home : own_homes()) {
    auto const links = home / paths::overlay::links;
    sys::make_directories(links, 0755);
    boost::system::error_code error;
    for (fs::directory_iterator entry(links, error), end; !error && entry != end; entry.increment(error))
      if (auto const id = id_behind(entry->path().filename().native()))
        link_by_id.emplace(*id, entry->path().filename().native());
    if (error) throw Error(error, "readdir " + links.native());
  }
  for (auto const& id : list()) {
    auto link = sys::read_stored(own(id) / paths::overlay::link);
    if (!link || !is_safe_component(*link)) {
      auto const known = link_by_id.find(id);
      link = known != link_by_id.end() ? known->second : random_link();
      sys::replace_file(own(id) / paths::overlay::link, *link, {.mode = 0644});
    }
    make_link(*link, id);
  }
}

STRATA_INLINE void LayerDirs::make_link(std::string const& link, std::string const& id) const {
  auto const target = fs::path("..") / id / paths::overlay::diff;
  auto const place = own(id).parent_path() / paths::overlay::links / link;
  if (::symlink(target.c_str(), place.c_str()) != 0 && errno != EEXIST) sys::throw_errno("symlink", place);
}

STRATA_INLINE std::vector<std::string> LayerDirs::directories(bool are_probes) const {
  std::vector<std::string> ids;
  for (auto const& home : own_homes()) {
    boost::system::error_code error;
    for (fs::directory_iterator entry(home, error), end; !error && entry != end; entry.increment(error))
      if (auto name = entry->path().filename().native(); !is_reserved(name) &&
                                                         fs::is_directory(entry->status(error)) &&
                                                         is_probe(entry->path()) == are_probes)
        ids.push_back(std::move(name));
    if (error && error != std::errc::no_such_file_or_directory)
      throw Error(error, "readdir " + home.native());
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

STRATA_INLINE std::optional<std::string> LayerDirs::id_behind(std::string const& link) const {
  for (auto const& home : homes_) {
    auto const target = read_link(home / paths::overlay::links / link);
    if (!target) continue;
    auto id = fs::path(*target).parent_path().filename().native();
    if (is_safe_component(id)) return id;
  }
  return std::nullopt;
}

STRATA_INLINE std::map<std::string, std::string> LayerDirs::links_by_file() const {
  std::map<std::string, std::string> links;
  for (auto const& home : homes_) {
    LayerDirs const one(home, {});
    for (auto const& id : one.list())
      if (auto link = sys::read_stored(one.own(id) / paths::overlay::link)) links.emplace(*link, id);
  }
  return links;
}

}  // namespace strata::drivers::overlay

#pragma once

#include <strata/drivers/overlay/options.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/paths.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

#include <climits>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Makes a short name: 26 random characters of base32's alphabet (RFC 4648), as in containers/storage.
inline std::string random_link() {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::array<unsigned char, 26> noise{};
  sys::fill_random(noise);
  std::string link;
  for (auto const byte : noise) link += alphabet[byte % alphabet.size()];
  return link;
}

/// True if a name in the driver's home is not that of a layer.
inline bool is_reserved(std::string_view name) {
  return name == paths::overlay::links || name == paths::overlay::staging ||
         name == paths::overlay::temp_dirs || name == paths::overlay::backing_device || name.starts_with('.');
}

/// Names, without their digits, of directories in the home in which containers/storage probes the kernel.
inline constexpr std::array<std::string_view, 4> probe_names{"compat", "metacopy-check", "opaque-bug-check",
                                                             "volatile-check"};

/// True if a directory in the home is a probe: it is removed at once, unless its process is killed. A layer
/// may have such a name, too.
inline bool is_probe(fs::path const& directory) {
  auto const name = directory.filename().native();
  auto const digits = name.find_last_not_of("0123456789") + 1;
  return digits != name.size() &&
         std::ranges::find(probe_names, std::string_view(name).substr(0, digits)) != probe_names.end() &&
         !sys::is_present(directory / paths::overlay::diff) &&
         !sys::is_present(directory / paths::overlay::link);
}

/// True for a directory, or a link to one. For paths of the store only.
/// @throws `errno`, "stat <path>", if this cannot be determined
inline bool holds_directory(fs::path const& path) { return sys::is_directory(path); }

/// Target of a symbolic link; none if it does not exist.  @throws `errno`, "readlink <path>", if it cannot be
/// read
inline std::optional<std::string> read_link(fs::path const& path) {
  std::array<char, PATH_MAX> target{};
  auto const size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) {
    if (sys::is_transient(errno)) sys::throw_errno("readlink", path);
    return std::nullopt;
  }
  return std::string(target.data(), static_cast<std::size_t>(size));
}

/// The directories of layers, in the driver's own home and those of read-only stores, and the files that name
/// the layers below each layer: `link`, `l/<short>`, `lower` and, since release 1.63, `lower-layers`.
///
/// All four are written and kept consistent; `lower-layers` is read, else `lower` through `l/`. Const calls
/// are thread-safe.
class LayerDirs {
 public:
  /// @param image_store  home of layers that no container writes to; empty: `home`
  LayerDirs(fs::path home, std::vector<fs::path> const& other_homes, fs::path image_store = {}) {
    homes_.push_back(std::move(home));
    if (!image_store.empty()) {
      homes_.push_back(std::move(image_store));
      own_homes_ = 2;
    }
    homes_.insert(homes_.end(), other_homes.begin(), other_homes.end());
  }

  fs::path const& home() const { return homes_.front(); }
  /// Homes that may be written to.
  std::span<fs::path const> own_homes() const { return {homes_.data(), own_homes_}; }
  fs::path const& home_for(bool writable) const { return writable ? home() : own_homes().back(); }
  /// For a layer that does not exist: its path in `home()`.
  fs::path own(std::string_view id) const {
    for (auto const& place : own_homes().subspan(1))
      if (auto path = place / id; holds_directory(path) && !holds_directory(home() / id)) return path;
    return home() / id;
  }
  bool is_own(fs::path const& layer) const {
    return std::ranges::find(own_homes(), layer.parent_path()) != own_homes().end();
  }

  /// Searches the homes in order.
  std::optional<fs::path> find(std::string_view id) const {
    if (is_reserved(id)) return std::nullopt;
    for (auto const& home : homes_)
      if (auto path = home / id; holds_directory(path)) return path;
    return std::nullopt;
  }

  /// @throws `Errc::layer_unknown`
  fs::path get(std::string_view id) const {
    if (auto path = find(id)) return *std::move(path);
    throw Error(Errc::layer_unknown, "layer " + std::string(id));
  }

  /// Ids of the layers in the own homes.
  std::vector<std::string> list() const { return directories(false); }
  /// Names of directories in the own homes that are not layers, see `is_probe`.
  std::vector<std::string> probes() const { return directories(true); }

  /// Ids of all layers below a layer, nearest first.
  /// @param layer  directory of the layer
  /// @throws       `Errc::parent_unknown`: an entry of `lower` whose link is lost and cannot be determined
  ///   from `link` files
  std::vector<std::string> lower_ids(fs::path const& layer) const {
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

  /// Directories of all layers below a layer, nearest first.
  /// @throws `Errc::parent_unknown`
  std::vector<fs::path> lowers(fs::path const& layer) const {
    std::vector<fs::path> directories;
    for (auto const& id : lower_ids(layer)) {
      auto path = is_safe_component(id) ? find(id) : std::nullopt;
      if (!path) throw Error(Errc::parent_unknown, "layer " + layer.filename().native() + ", below it " + id);
      directories.push_back(*std::move(path));
    }
    return directories;
  }

  /// Trees below a layer's own, nearest first: those of the layers below, each followed by the trees that it
  /// had before the owners of its files changed.
  std::vector<fs::path> trees_below(fs::path const& layer) const {
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

  /// Short name of a layer; none if its file or its entry in `l/` is lost.
  std::optional<std::string> link_of(fs::path const& layer) const {
    auto link = sys::read_stored(layer / paths::overlay::link);
    if (!link || !is_safe_component(*link)) return std::nullopt;
    if (!sys::is_present(layer.parent_path() / paths::overlay::links / *link)) return std::nullopt;
    return link;
  }

  /// The two lists of a child of a layer.
  struct Lists {
    std::string parent_link = {};   ///< `<short>`
    std::string lower = {};         ///< `l/<short>:...`, nearest first
    std::string lower_layers = {};  ///< `<id>:...`
  };

  /// @return  none if a link of one of the layers is lost; call `repair()` then
  std::optional<Lists> lists_for_child_of(fs::path const& parent) const {
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

  /// Re-creates lost entries of `l/` from `link` files, and `link` files from entries of `l/`; a layer that
  /// lost both gets a new name. The store's lock is held. Linear in the number of layers.
  void repair() const {
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

  /// Makes `l/<link>` -> `../<id>/diff`, unless it exists.
  void make_link(std::string const& link, std::string const& id) const {
    auto const target = fs::path("..") / id / paths::overlay::diff;
    auto const place = own(id).parent_path() / paths::overlay::links / link;
    if (::symlink(target.c_str(), place.c_str()) != 0 && errno != EEXIST) sys::throw_errno("symlink", place);
  }

 private:
  std::vector<std::string> directories(bool are_probes) const {
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

  /// The layer to which `l/<link>` of any home refers: the second-last component of its target.
  std::optional<std::string> id_behind(std::string const& link) const {
    for (auto const& home : homes_) {
      auto const target = read_link(home / paths::overlay::links / link);
      if (!target) continue;
      auto id = fs::path(*target).parent_path().filename().native();
      if (is_safe_component(id)) return id;
    }
    return std::nullopt;
  }

  /// Short names and their ids, from the `link` files of all homes.
  std::map<std::string, std::string> links_by_file() const {
    std::map<std::string, std::string> links;
    for (auto const& home : homes_) {
      LayerDirs const one(home, {});
      for (auto const& id : one.list())
        if (auto link = sys::read_stored(one.own(id) / paths::overlay::link)) links.emplace(*link, id);
    }
    return links;
  }

  std::vector<fs::path> homes_;  // own homes first
  std::size_t own_homes_ = 1;
};

}  // namespace strata::drivers::overlay

#pragma once

#include <strata/fs.hpp>
#include <strata/sys/xattr.hpp>

#include "intended.hpp"
#include "normalizer.hpp"
#include "process.hpp"
#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace random_commands {

/// Describes what a store keeps on disk beside its records: every file of every layer with owner, permissions, times,
/// attributes, links and content, the overlay driver's files, data items, and the tar-splits. What is left out: locks,
/// directories for temporary files, and mounts.
class TreeListing {
 public:
  TreeListing(strata::fs::path graph, std::string driver, Words& words)
      : graph_(std::move(graph)), driver_(std::move(driver)), words_(words) {}

  /// A line for each file, by path.
  std::map<std::string, std::string> operator()() {
    for (auto const& link : entries(graph_ / driver_ / "l"))
      links_[link.filename().native()] = strata::fs::read_symlink(link).native();
    for (auto const* kind : {"-layers", "-images", "-containers"}) walk_kind(graph_ / (driver_ + kind));
    if (driver_ == "overlay")
      for (auto const& layer : entries(graph_ / driver_)) walk_overlay_layer(layer);
    else
      for (auto const& layer : entries(graph_ / driver_ / "dir")) walk_layer(layer);
    return std::move(lines_);
  }

 private:
  static std::set<strata::fs::path> entries(strata::fs::path const& directory) {
    std::set<strata::fs::path> out;
    boost::system::error_code none;
    for (auto const& entry : strata::fs::directory_iterator(directory, none)) out.insert(entry.path());
    return out;
  }

  static bool holds_files(strata::fs::path const& directory) {
    for (auto const& entry : strata::fs::recursive_directory_iterator(directory))
      if (!strata::fs::is_directory(entry.status())) return true;
    return false;
  }

  void walk_kind(strata::fs::path const& directory) {
    for (auto const& entry : entries(directory)) {
      auto const name = entry.filename().native();
      if (name.ends_with(".lock") || name == "tmp" || name == "layers.json" || name == "images.json" ||
          name == "containers.json" || name.starts_with("volatile-"))
        continue;
      if (name.ends_with(".tar-split.gz"))
        lines_[key(entry)] =
            "tar-split " +
            std::to_string(std::hash<std::string>()(recorded_archive(unpacked(contents(entry)))));
      else if (holds_files(entry))  // not directories for data of which there is none
        walk(entry);
    }
  }

  void walk_overlay_layer(strata::fs::path const& layer) {
    auto const name = layer.filename().native();
    if (name == "l" || !strata::fs::is_directory(layer) || name == "staging" || name == "tempdirs" ||
        name.starts_with("compat") || name.starts_with("metacopy"))
      return;
    describe(layer);
    for (auto const& entry : entries(layer)) {
      auto const part = entry.filename().native();
      if (part == "link")
        lines_[key(entry)] = "link to " + words_.plain(link_target(contents(entry)));
      else if (part == "lower")
        lines_[key(entry)] = "over " + lowers(contents(entry));
      else if (part == "work")
        describe(entry);
      else if (part != "merged" && part != "mapped" &&
               part != "lower-layers")  // mounts; a file of later releases
        part == "diff" ? walk_layer(entry) : walk(entry);
    }
  }

  std::string link_target(std::string const& link) const {
    auto const found = links_.find(link);
    return found == links_.end() ? "nothing" : found->second;
  }
  std::string lowers(std::string const& text) {
    std::string out;
    for (auto link : split(text, ':')) {
      if (link.ends_with(':')) link.pop_back();
      out += words_.plain(link_target(link.starts_with("l/") ? link.substr(2) : link)) + ' ';
    }
    return out;
  }

  void walk_layer(strata::fs::path const& path) {
    walk(path);  // theirs makes and removes a directory in it when it unpacks, after the root's time was set
    auto& root = lines_[key(path)];
    auto const from = root.find(" time ");
    root.erase(from, root.find(' ', from + 6) - from);
  }

  void walk(strata::fs::path const& path) {
    if (path.filename() == "userdata" && !holds_files(path)) return;  // made by a command that 1.43 has not
    describe(path);
    if (!strata::fs::is_symlink(path) && strata::fs::is_directory(path))
      for (auto const& entry : entries(path)) walk(entry);
  }

  static bool one_of_kernel(std::string_view name) {
    return detail::one_of(name, {"trusted.overlay.origin", "trusted.overlay.upper", "trusted.overlay.uuid",
                                 "trusted.overlay.impure", "trusted.overlay.nlink"});
  }
  std::string key(strata::fs::path const& path) { return words_.plain(path.native()); }

  void describe(strata::fs::path const& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    std::ostringstream out;
    out << std::oct << status.st_mode << std::dec << ' ' << status.st_uid << ':' << status.st_gid;
    if (S_ISREG(status.st_mode))
      out << " size " << status.st_size << " content " << std::hash<std::string>()(contents(path));
    if (S_ISLNK(status.st_mode)) out << " to " << strata::fs::read_symlink(path).native();
    if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)) out << " device " << status.st_rdev;
    // the kernel links its whiteouts with one another while an overlay is mounted
    bool const whiteout = S_ISCHR(status.st_mode) && status.st_rdev == 0;
    if (!S_ISDIR(status.st_mode) && !whiteout && status.st_nlink > 1)
      out << " as " << first_of_.emplace(std::pair(status.st_dev, status.st_ino), key(path)).first->second
          << " of " << status.st_nlink;
    if (status.st_mtim.tv_sec >= start_of_run)
      out << " time now";
    else
      out << " time " << status.st_mtim.tv_sec << '.' << status.st_mtim.tv_nsec;
    auto names = strata::sys::list_xattrs(path);
    std::ranges::sort(names);
    for (auto const& name : names) {
      // what the kernel notes about files of this store, and about mounts there were
      if (one_of_kernel(name)) continue;
      out << ' ' << name << '=' << shell_word(strata::sys::get_xattr(path, name).value_or(std::string()));
    }
    lines_[key(path)] = out.str();
  }

  strata::fs::path graph_;
  std::string driver_;
  Words& words_;
  std::map<std::string, std::string> links_ = {};
  std::map<std::pair<dev_t, ino_t>, std::string> first_of_ = {};
  std::map<std::string, std::string> lines_ = {};
};

}  // namespace random_commands

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tree_path.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/xattr.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// What an archive and a file system both tell of one path.
struct NodeState {
  char type = '0';  ///< as in a tar header
  std::uint32_t mode = 0;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t size = 0;   ///< of regular files
  std::int64_t mtime = 0;  ///< whole seconds
  bool implied = false;    ///< a directory that no entry made: only that it is one is known
};

/// What of a tree is compared.
struct Compared {
  bool owners = true;
  bool modes = true;
  /// What stands in the tree for an owner, and a group, that it should have and cannot; none: all can be had.
  std::function<std::pair<std::int64_t, std::int64_t>(std::int64_t, std::int64_t)> shown_owner = {};
};

/// A tree without its contents, put together layer by layer: from archives, for what it should be, and from directories,
/// for what it is. Memory: about 200 bytes a path.
class TreeState {
 public:
  /// Lays the entries of one layer's archive over it. Its whiteouts hide what is below, wherever they stand in it.
  void add_archive(std::vector<TarHeader> const& headers) {
    std::set<std::string> named;
    for (auto const& header : headers)
      if (auto const path = path_in_tree(header.name); is_whiteout(TreePath(path).base))
        add_whiteout(path);
      else
        named.insert(path);
    for (auto const& header : headers) {
      auto const path = path_in_tree(header.name);
      imply_parents(path, named);
      if (!is_whiteout(TreePath(path).base)) add(path, header);
    }
    // Drivers differ in what they make of an entry for the root itself.
    named.erase("");
    imply("", named);
  }

  /// Lays one layer's directory over it.
  /// @param whole   it holds what is below it, too; if not, whiteouts are overlayfs's
  /// @param owners  turns an owner on disk, and a group, into one of the archive
  template <class Owners>
  void add_directory(std::filesystem::path const& top, bool whole, Owners&& owners) {
    if (whole) nodes_.clear();
    struct stat root {};
    if (::lstat(top.c_str(), &root) != 0) sys::throw_errno("stat", top);
    put("", state_of(root, owners));
    sys::walk(top, [&](sys::Visited const& at) {
      if (!whole && is_overlay_whiteout(at.status)) return remove(at.path);
      if (!whole && S_ISDIR(at.status.st_mode) && is_opaque(at)) clear_below(at.path);
      put(at.path, state_of(at.status, owners));
    });
  }

  /// One text a difference, in path order: "+/path", "-/path" (directories with a "/" at the end) or
  /// "/path(mode:0644￫0600,…)"; other than directories, what is changed is told of twice, as containers/storage
  /// does it.
  std::vector<std::string> differences(TreeState const& found, Compared const& compared) const {
    std::vector<std::string> out;
    std::string passed;  // the directory that was told of as a whole
    auto const is_passed = [&](std::string const& path) {
      return !passed.empty() && path.size() > passed.size() && path.starts_with(passed);
    };
    auto const lone = [&](char sign, std::string const& path, NodeState const& node) {
      if (is_passed(path)) return;
      out.push_back(sign + ('/' + path) + (node.type == '5' ? "/" : ""));
      if (node.type == '5') passed = path + '/';
    };
    auto wanted = nodes_.begin();
    auto is = found.nodes_.begin();
    while (wanted != nodes_.end() || is != found.nodes_.end()) {
      if (is == found.nodes_.end() || (wanted != nodes_.end() && wanted->first < is->first)) {
        lone('-', wanted->first, wanted->second);
        ++wanted;
      } else if (wanted == nodes_.end() || is->first < wanted->first) {
        lone('+', is->first, is->second);
        ++is;
      } else {
        if (auto const changed = attributes(wanted->second, is->second, compared); !changed.empty()) {
          bool const directory = is->second.type == '5';
          auto const text =
              '/' + is->first + (directory && !is->first.empty() ? "/" : "") + '(' + changed + ')';
          if (!directory) out.push_back('+' + text);
          out.push_back(text);
        }
        ++wanted;
        ++is;
      }
    }
    return out;
  }

 private:
  void put(std::string const& path, NodeState const& node) {
    auto const found = nodes_.find(path);
    if (found == nodes_.end()) {
      nodes_.emplace(path, node);
      return;
    }
    if (found->second.type == '5' && node.type != '5') clear_below(path);
    found->second = node;
  }
  void remove(std::string const& path) {
    clear_below(path);
    nodes_.erase(path);
  }
  void clear_below(std::string const& path) {
    if (path.empty()) {
      nodes_.erase(nodes_.upper_bound(""), nodes_.end());
      return;
    }
    // Everything below a path stands between these two, '0' being the character behind '/'.
    nodes_.erase(nodes_.lower_bound(path + '/'), nodes_.lower_bound(path + '0'));
  }
  /// An archive may name a path without the directories it is in. What unpacking does to their times is not told by
  /// anything.
  void imply(std::string const& path, std::set<std::string> const& named) {
    if (named.contains(path)) return;
    auto& node = nodes_[path];
    if (node.type != '5') node = {.type = '5'};
    node.implied = true;
  }
  void imply_parents(std::string_view path, std::set<std::string> const& named) {
    while (!path.empty()) {
      path = TreePath(path).parent;
      imply(std::string(path), named);
    }
  }

  void add(std::string const& path, TarHeader const& header) {
    NodeState node{.type = static_cast<char>(header.type),
                   .mode = header.mode & 07777U,
                   .uid = header.uid,
                   .gid = header.gid,
                   .size = header.type == EntryType::regular ? header.size : 0,
                   .mtime = header.mtime.seconds};
    if (header.type == EntryType::hard_link) {
      auto const first = nodes_.find(path_in_tree(header.link_name));
      if (first == nodes_.end()) return;
      node = first->second;
    }
    put(path, node);
  }
  void add_whiteout(std::string_view path) {
    TreePath const parts(path);
    if (parts.base == whiteout_opaque) {
      clear_below(std::string(parts.parent));
    } else if (!parts.base.starts_with(whiteout_meta_prefix)) {
      auto const target = whiteout_target(parts.base);
      remove(parts.parent.empty() ? std::string(target)
                                  : std::string(parts.parent) + '/' + std::string(target));
    }
  }

  static bool is_opaque(sys::Visited const& at) {
    sys::Fd const fd = sys::try_enter(at.directory, at.name.c_str());
    if (!fd) return false;
    for (bool const user : {false, true})
      if (auto const value = sys::get_xattr(fd.get(), OverlayXattr{.user_xattr = user}.opaque(), at.path);
          value && *value == "y")
        return true;
    return false;
  }

  template <class Owners>
  static NodeState state_of(struct stat const& status, Owners&& owners) {
    auto const type = S_ISDIR(status.st_mode)    ? '5'
                      : S_ISLNK(status.st_mode)  ? '2'
                      : S_ISCHR(status.st_mode)  ? '3'
                      : S_ISBLK(status.st_mode)  ? '4'
                      : S_ISFIFO(status.st_mode) ? '6'
                                                 : '0';
    auto const [uid, gid] = owners(std::int64_t{status.st_uid}, std::int64_t{status.st_gid});
    return {.type = type,
            .mode = static_cast<std::uint32_t>(status.st_mode) & 07777U,
            .uid = uid,
            .gid = gid,
            .size = S_ISREG(status.st_mode) ? std::int64_t{status.st_size} : 0,
            .mtime = status.st_mtime};
  }

  static std::string attributes(NodeState const& wanted, NodeState const& is, Compared const& compared) {
    std::string out;
    auto const differ = [&](std::string_view name, std::string const& from, std::string const& to) {
      if (from == to) return;
      out += (out.empty() ? "" : ",") + std::string(name) + ':' + from + "￫" + to;
    };
    auto const number = [](std::int64_t value) { return std::to_string(value); };
    auto const octal = [](std::uint32_t value) {
      std::string text;
      for (; value != 0; value /= 8) text.insert(text.begin(), static_cast<char>('0' + value % 8));
      return '0' + text;
    };
    auto const hex = [](std::int64_t value) {
      std::string text;
      auto rest = static_cast<std::uint64_t>(value);
      if (value < 0) rest = 0 - rest;
      do text.insert(text.begin(), "0123456789abcdef"[rest % 16]);
      while ((rest /= 16) != 0);
      return (value < 0 ? "-0x" : "0x") + text;
    };
    if (compared.modes) differ("filetype", std::string(1, wanted.type), std::string(1, is.type));
    if (wanted.implied || wanted.type != is.type) return out;
    if (compared.owners) {
      auto const [uid, gid] = compared.shown_owner ? compared.shown_owner(wanted.uid, wanted.gid)
                                                   : std::pair(wanted.uid, wanted.gid);
      differ("uid", number(uid), number(is.uid));
      differ("gid", number(gid), number(is.gid));
    }
    differ("size", number(wanted.size), number(is.size));
    if (compared.modes && wanted.type != '2') differ("mode", octal(wanted.mode), octal(is.mode));
    if (!is_time_of(wanted.mtime, is.mtime)) differ("mtime", hex(wanted.mtime), hex(is.mtime));
    return out;
  }

  /// Whether unpacking an entry of the one time may have given a file of the other: times before 1970 become 1970
  /// (`AttributeSetter`), and what a file system cannot hold, its first or last.
  static bool is_time_of(std::int64_t wanted, std::int64_t is) {
    if (wanted < 0 && is <= 0 && is > wanted) return true;
    return wanted == is || (wanted > is && is >= std::numeric_limits<std::int32_t>::max());
  }

  std::map<std::string, NodeState> nodes_;
};

}  // namespace strata::archive

#pragma once

#include <strata/archive/sparse_body.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/userns.hpp>
#include <strata/tree/attributes.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace strata::archive {

/// A file, directory, link or device of a `MemoryTree`. Hard links are one node.
struct MemoryNode {
  mode_t mode = 0;  ///< with the file type
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t size = 0;  ///< of regular files
  dev_t device = 0;
  FileTime mtime = {};
  std::string target = {};  ///< of symbolic links
  std::vector<std::pair<std::string, std::string>> xattrs = {};
  std::shared_ptr<std::string const> bytes = {};  ///< of regular files, if the tree keeps contents
  std::map<std::string, std::shared_ptr<MemoryNode>, std::less<>> children = {};
  bool implied = false;     ///< a directory without an entry: its attributes are unknown
  bool time_known = false;  ///< the directory is unchanged since its time was set
  bool opaque = false;
  bool told = false;  ///< an entry of the archive applied last set its attributes

  bool is_directory() const noexcept { return S_ISDIR(mode); }
  bool is_whiteout() const noexcept { return S_ISCHR(mode) && device == 0; }
};

/// A node's attributes as a header without a name.
inline TarHeader header_of(MemoryNode const& node) {
  auto const type = S_ISDIR(node.mode)    ? EntryType::directory
                    : S_ISLNK(node.mode)  ? EntryType::symlink
                    : S_ISCHR(node.mode)  ? EntryType::char_device
                    : S_ISBLK(node.mode)  ? EntryType::block_device
                    : S_ISFIFO(node.mode) ? EntryType::fifo
                                          : EntryType::regular;
  return {.link_name = node.target,
          .type = type,
          .mode = node.mode & 07777U,
          .uid = node.uid,
          .gid = node.gid,
          .size = node.size,
          .mtime = node.mtime,
          .dev_major = major(node.device),
          .dev_minor = minor(node.device),
          .xattrs = node.xattrs};
}

/// Sets a node's attributes from a header, as `AttributeSetter` does for a file.
class MemoryAttributes {
 public:
  MemoryAttributes(MemoryNode* node, Handle, std::string_view path) : node_(node), path_(path) {
    status_.st_mode = node->mode;
    status_.st_gid = static_cast<gid_t>(node->gid);
  }
  struct stat const& status() const noexcept {
    return status_;
  }
  void owner(TarHeader const& header, ChownErrors) {
    AttributeSetter::check_owner(header, path_);
    node_->uid = header.uid;
    node_->gid = header.gid;
  }
  void mode(std::uint32_t permissions) { node_->mode = (node_->mode & S_IFMT) | (permissions & 07777U); }
  void stand_in(std::uint32_t, std::string const&) {}  ///< nodes keep their real mode
  void xattrs(TarHeader const& header) {
    bool const takes_user = S_ISREG(node_->mode) || S_ISDIR(node_->mode);
    for (auto const& [key, value] : header.xattrs) {
      if (!is_unpacked_xattr(key)) continue;
      if (key.starts_with("user.") && !takes_user) {
        if (S_ISLNK(node_->mode)) continue;
        errno = EPERM;
        sys::throw_errno("setxattr " + key + " on", path_);
      }
      std::erase_if(node_->xattrs, [&key = key](auto const& known) { return known.first == key; });
      node_->xattrs.emplace_back(key, value);
    }
  }
  void times(std::array<timespec, 2> const& spec) {
    node_->mtime = {.seconds = spec[1].tv_sec, .nanoseconds = static_cast<std::int32_t>(spec[1].tv_nsec)};
    node_->time_known = true;
    node_->told = true;
  }

 private:
  MemoryNode* node_;
  std::string_view path_;
  struct stat status_ = {};
};

/// A directory tree in memory, for `BasicApplier` and for comparisons. It fails like the kernel, including
/// `errno`. A copy has its own nodes and shares file contents. Not safe for concurrent modification.
class MemoryTree {
 public:
  using Handle = std::shared_ptr<MemoryNode>;
  using Ref = MemoryNode*;
  using Setter = MemoryAttributes;

  /// @param keeps_contents keep file contents, not only sizes
  explicit MemoryTree(bool keeps_contents = false) : keeps_contents_(keeps_contents) {
    root_->mode = S_IFDIR | 0755;
    root_->implied = true;
  }
  MemoryTree(MemoryTree const& other) : keeps_contents_(other.keeps_contents_), tolerated_(other.tolerated_) {
    std::unordered_map<MemoryNode const*, Handle> copies;
    root_ = copy(other.root_, copies);
  }
  MemoryTree(MemoryTree&&) noexcept = default;
  MemoryTree& operator=(MemoryTree other) noexcept {
    root_.swap(other.root_);
    keeps_contents_ = other.keeps_contents_;
    tolerated_.swap(other.tolerated_);
    return *this;
  }
  ~MemoryTree() = default;

  MemoryNode& root() noexcept { return *root_; }
  MemoryNode const& root() const noexcept { return *root_; }

  /// The node at a path, or null; follows no links.
  Handle find(std::string_view path) const {
    auto at = root_;
    while (at && !path.empty()) {
      auto const end = std::min(path.find('/'), path.size());
      auto const found = at->children.find(path.substr(0, end));
      at = found == at->children.end() ? nullptr : found->second;
      path.remove_prefix(std::min(end + 1, path.size()));
    }
    return at;
  }

  /// The paths of the nodes with `told` set; clears it.
  std::set<std::string> take_told() {
    std::set<std::string> paths;
    walk([&](std::string const& path, MemoryNode const& node) {
      if (node.told) paths.insert(path);
    });
    forget_told(*root_);
    return paths;
  }

  /// Calls `visit(path, node)` for all nodes, depth-first from the root, names in byte order.
  template <class Visit>
  void walk(Visit&& visit) const {
    std::string path;
    walk(*root_, path, visit);
  }

  // The interface that `BasicApplier` requires; see `DiskTree`.

  static Ref ref(Handle const& handle) noexcept { return handle.get(); }

  Handle try_open(std::string_view path, int = 0) const {
    auto at = root_;
    while (!path.empty()) {
      auto const end = std::min(path.find('/'), path.size());
      if (end > longest_name) return fail(ENAMETOOLONG);
      auto const found = at->children.find(path.substr(0, end));
      if (found == at->children.end()) return fail(ENOENT);
      at = found->second;
      if (S_ISLNK(at->mode)) return fail(path.size() == end ? ENOTDIR : ELOOP);
      if (!at->is_directory()) return fail(ENOTDIR);
      path.remove_prefix(std::min(end + 1, path.size()));
    }
    return at;
  }
  Handle open(std::string_view path) const {
    Handle handle = try_open(path);
    if (!handle) sys::throw_errno("open", path);
    return handle;
  }
  Handle open_root() const { return root_; }
  static Handle enter(Ref directory, std::string const& name, std::string_view) {
    return directory->children.at(name);
  }
  static Handle open_directory(Ref directory, std::string const& name) {
    return directory->children.at(name);
  }
  static Handle open_node(Ref directory, std::string const& name) { return directory->children.at(name); }

  static std::optional<struct stat> look(Ref directory, std::string const& name, std::string_view path) {
    if (name.size() > longest_name) {
      errno = ENAMETOOLONG;
      sys::throw_errno("stat", path);
    }
    auto const found = directory->children.find(name);
    if (found == directory->children.end()) return std::nullopt;
    struct stat status {};
    status.st_mode = found->second->mode;
    status.st_rdev = found->second->device;
    return status;
  }
  static std::string read_link(Ref directory, std::string const& name, std::string_view) {
    return directory->children.at(name)->target;
  }
  static std::vector<std::string> names(Ref directory, std::string_view) {
    std::vector<std::string> names;
    for (auto const& [name, child] : directory->children) names.push_back(name);
    return names;
  }

  static int make_file(Ref directory, std::string const& name, mode_t mode, Handle& made) {
    if (add(directory, name, S_IFREG | mode) != 0) return -1;
    made = directory->children.at(name);
    return 0;
  }
  static int make_directory(Ref directory, std::string const& name, mode_t mode) {
    if (add(directory, name, S_IFDIR | mode) != 0) return -1;
    auto& made = *directory->children.at(name);
    made.mode |= directory->mode & S_ISGID;
    made.implied = true;
    return 0;
  }
  static int make_symlink(Ref directory, std::string const& name, std::string const& target) {
    if (target.empty() || target.size() > longest_path) return error(target.empty() ? ENOENT : ENAMETOOLONG);
    if (add(directory, name, S_IFLNK | 0777) != 0) return -1;
    directory->children.at(name)->target = target;
    return 0;
  }
  static int make_link(Ref from, std::string const& first, Ref directory, std::string const& name) {
    auto const found = first == "." ? from->children.end() : from->children.find(first);
    if (first == ".") return error(EPERM);
    if (found == from->children.end()) return error(ENOENT);
    if (directory->children.contains(name)) return error(EEXIST);
    if (found->second->is_directory()) return error(EPERM);
    if (name.size() > longest_name) return error(ENAMETOOLONG);
    directory->children.emplace(name, found->second);
    directory->time_known = false;
    return 0;
  }
  static int make_node(Ref directory, std::string const& name, mode_t mode, dev_t device) {
    if ((device & 0xFFFF'FFFFU) != device) return error(EINVAL);
    if (add(directory, name, mode) != 0) return -1;
    directory->children.at(name)->device = device;
    return 0;
  }
  static bool makes_devices() { return !sys::in_user_namespace(); }

  static void remove(Ref directory, std::string const& name, struct stat const&, std::string_view) {
    directory->children.erase(name);
    directory->time_known = false;
  }
  static void mark_opaque(Ref directory, bool, std::string_view) { directory->opaque = true; }
  static bool is_opaque(Ref directory, bool, std::string_view) { return directory->opaque; }

  void write(Handle const& file, Reader& body, std::string_view) const {
    auto* const sparse = keeps_contents_ ? nullptr : dynamic_cast<SparseBody*>(&body);
    std::string bytes;
    while (true) {
      if (sparse != nullptr) file->size += static_cast<std::int64_t>(sparse->pass_hole());
      Bytes const chunk = body.next();
      if (chunk.empty()) break;
      if (keeps_contents_)
        bytes += as_text(chunk);
      else
        file->size += static_cast<std::int64_t>(chunk.size());
    }
    if (!keeps_contents_) return;
    file->size = static_cast<std::int64_t>(bytes.size());
    file->bytes = std::make_shared<std::string const>(std::move(bytes));
  }
  static int try_share(Ref, std::string const&, std::string_view, TarHeader const&, Reader&) {
    return error(EXDEV);
  }

  static void imply(Handle const& directory) { directory->implied = true; }
  static void confirm(Handle const& node) { node->implied = false; }
  /// Records that a whiteout names a missing directory, which other programs create.
  void may_have(std::string_view path) {
    for (; !path.empty(); path = TreePath(path).parent) tolerated_.emplace(path);
  }
  std::set<std::string> const& tolerated() const noexcept { return tolerated_; }

 private:
  static constexpr std::size_t longest_name = 255;
  static constexpr std::size_t longest_path = 4095;

  static int error(int code) {
    errno = code;
    return -1;
  }
  static Handle fail(int code) {
    errno = code;
    return {};
  }
  static int add(Ref directory, std::string const& name, mode_t mode) {
    if (directory->children.contains(name)) return error(EEXIST);
    if (name.size() > longest_name) return error(ENAMETOOLONG);
    auto node = std::make_shared<MemoryNode>();
    node->mode = mode;
    if ((directory->mode & S_ISGID) != 0) node->gid = directory->gid;
    directory->children.emplace(name, std::move(node));
    directory->time_known = false;
    return 0;
  }
  static void forget_told(MemoryNode& node) {
    node.told = false;
    for (auto const& [name, child] : node.children) forget_told(*child);
  }
  static Handle copy(Handle const& node, std::unordered_map<MemoryNode const*, Handle>& copies) {
    auto& made = copies[node.get()];
    if (made) return made;
    made = std::make_shared<MemoryNode>(*node);
    auto result = made;
    for (auto& [name, child] : result->children) child = copy(child, copies);
    return result;
  }
  template <class Visit>
  static void walk(MemoryNode const& node, std::string& path, Visit& visit) {
    visit(std::as_const(path), node);
    for (auto const& [name, child] : node.children) {
      auto const size = path.size();
      if (size != 0) path += '/';
      path += name;
      walk(*child, path, visit);
      path.resize(size);
    }
  }

  Handle root_ = std::make_shared<MemoryNode>();
  bool keeps_contents_;
  std::set<std::string> tolerated_ = {};
};

}  // namespace strata::archive

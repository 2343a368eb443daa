#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>
#include <strata/sys/userns.hpp>
#include <strata/tree/attributes.hpp>

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
TarHeader header_of(MemoryNode const& node);

/// Sets a node's attributes from a header, as `AttributeSetter` does for a file.
class MemoryAttributes {
 public:
  MemoryAttributes(MemoryNode* node, sys::OpenedAs, std::string_view path);
  struct stat const& status() const noexcept;
  void owner(TarHeader const& header, ChownErrors);
  void mode(std::uint32_t permissions) { node_->mode = (node_->mode & S_IFMT) | (permissions & 07777U); }
  void stand_in(std::uint32_t, std::string const&) {}  ///< nodes keep their real mode
  void xattrs(TarHeader const& header);
  void times(std::array<timespec, 2> const& spec);

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
  explicit MemoryTree(bool keeps_contents = false);
  MemoryTree(MemoryTree const& other);
  MemoryTree(MemoryTree&&) noexcept = default;
  MemoryTree& operator=(MemoryTree other) noexcept;
  ~MemoryTree() = default;

  MemoryNode& root() noexcept { return *root_; }
  MemoryNode const& root() const noexcept { return *root_; }

  /// The node at a path, or null; follows no links.
  Handle find(std::string_view path) const;

  /// The paths of the nodes with `told` set; clears it.
  std::set<std::string> take_told();

  /// Calls `visit(path, node)` for all nodes, depth-first from the root, names in byte order.
  template <class Visit>
  void walk(Visit&& visit) const {
    std::string path;
    walk(*root_, path, visit);
  }

  // The interface that `BasicApplier` requires; see `DiskTree`.

  static Ref ref(Handle const& handle) noexcept { return handle.get(); }

  Handle try_open(std::string_view path, int = 0) const;
  Handle open(std::string_view path) const;
  Handle open_root() const { return root_; }
  static Handle enter(Ref directory, std::string const& name, std::string_view);
  static Handle open_directory(Ref directory, std::string const& name);
  static Handle open_node(Ref directory, std::string const& name) { return directory->children.at(name); }

  static std::optional<struct stat> look(Ref directory, std::string const& name, std::string_view path);
  static std::string read_link(Ref directory, std::string const& name, std::string_view);
  static std::vector<std::string> names(Ref directory, std::string_view);

  static int make_file(Ref directory, std::string const& name, mode_t mode, Handle& made);
  static int make_directory(Ref directory, std::string const& name, mode_t mode);
  static int make_symlink(Ref directory, std::string const& name, std::string const& target);
  static int make_link(Ref from, std::string const& first, Ref directory, std::string const& name);
  static int make_node(Ref directory, std::string const& name, mode_t mode, dev_t device);
  static bool makes_devices() { return !sys::in_user_namespace(); }

  static void remove(Ref directory, std::string const& name, struct stat const&, std::string_view);
  static void mark_opaque(Ref directory, bool, std::string_view) { directory->opaque = true; }
  static bool is_opaque(Ref directory, bool, std::string_view) { return directory->opaque; }

  void write(Handle const& file, Reader& body, std::string_view) const;
  static int try_share(Ref, std::string const&, std::string_view, TarHeader const&, Reader&);

  static void imply(Handle const& directory) { directory->implied = true; }
  static void confirm(Handle const& node) { node->implied = false; }
  /// Records that a whiteout names a missing directory, which other programs create.
  void may_have(std::string_view path);
  std::set<std::string> const& tolerated() const noexcept { return tolerated_; }

 private:
  static constexpr std::size_t longest_name = 255;
  static constexpr std::size_t longest_path = 4095;

  static int error(int code);
  static Handle fail(int code);
  static int add(Ref directory, std::string const& name, mode_t mode);
  static void forget_told(MemoryNode& node);
  static Handle copy(Handle const& node, std::unordered_map<MemoryNode const*, Handle>& copies);
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

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/memory_tree.ipp>
#endif

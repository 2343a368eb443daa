#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/xattr.hpp>
#include <strata/tree/disk_tree.hpp>
#include <strata/tree/lower_view.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/override_stat.hpp>
#include <strata/tree/tree_path.hpp>

#include <cstdint>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <tuple>
#include <utility>
#include <vector>

/// Loads trees of the file system, and layers on top of each other, as a `MemoryTree` without contents.
namespace strata::archive {

/// How a driver stores a layer.
enum class TreeForm {
  whole,    ///< a complete tree, including the parent's files
  changes,  ///< changes with whiteouts, as for overlayfs and FUSE mount programs
};

namespace detail {

bool is_marked_opaque(sys::Visited const& at);

template <class Owners>
std::shared_ptr<MemoryNode> node_of(struct stat const& status, Owners&& owners) {
  auto node = std::make_shared<MemoryNode>();
  node->mode = status.st_mode;
  std::tie(node->uid, node->gid) = owners(std::int64_t{status.st_uid}, std::int64_t{status.st_gid});
  node->size = S_ISREG(status.st_mode) ? std::int64_t{status.st_size} : 0;
  node->device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? status.st_rdev : 0;
  node->mtime = {.seconds = status.st_mtim.tv_sec,
                 .nanoseconds = static_cast<std::int32_t>(status.st_mtim.tv_nsec)};
  node->time_known = true;
  return node;
}

/// Applies `override_stat_xattr`: the attributes of a file that is stored with substitutes.
void tell_real(MemoryNode& node, std::string const& text);

}  // namespace detail

/// Reads a tree from disk. Whiteouts in either form become whiteout nodes.
/// @param owners maps a uid and gid on disk to those of the archive
/// @throws `errno`
template <class Owners>
MemoryTree load_tree(fs::path const& top, TreeForm form, Owners&& owners) {
  MemoryTree tree;
  auto const root = detail::node_of(*sys::find_status(top), owners);
  tree.root().mode = root->mode;
  tree.root().uid = root->uid;
  tree.root().gid = root->gid;
  bool const stand_ins = sys::get_xattr(top, override_stat_xattr).has_value();
  std::map<std::pair<dev_t, ino_t>, std::shared_ptr<MemoryNode>> links;
  std::map<std::string, std::shared_ptr<MemoryNode>, std::less<>> directories;
  sys::walk(top, [&](sys::Visited const& at) {
    TreePath const path(at.path);
    auto& parent = path.parent.empty() ? tree.root() : *directories.find(path.parent)->second;
    if (form == TreeForm::changes && is_whiteout(at.name) && S_ISREG(at.status.st_mode) &&
        at.status.st_size == 0) {
      if (at.name == whiteout_opaque) {
        parent.opaque = true;
      } else if (auto const target = std::string(at.name.substr(whiteout_prefix.size())); !target.empty()) {
        auto& node = parent.children[target];
        if (!node) node = std::make_shared<MemoryNode>(MemoryNode{.mode = S_IFCHR});
      }
      return;
    }
    std::shared_ptr<MemoryNode> node;
    bool const is_directory = S_ISDIR(at.status.st_mode);
    bool const has_names = !is_directory && at.status.st_nlink > 1;
    auto* const first = has_names ? &links[{at.status.st_dev, at.status.st_ino}] : nullptr;
    if (first != nullptr) node = *first;
    if (!node) {
      node = detail::node_of(at.status, owners);
      if (S_ISLNK(at.status.st_mode)) node->target = DiskTree::read_link(at.directory, at.name, at.path);
      if (stand_ins && (is_directory || S_ISREG(at.status.st_mode)))
        if (auto const file =
                sys::try_open_at(at.directory, at.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
          if (auto const text = sys::get_xattr(file.get(), override_stat_xattr, at.path))
            detail::tell_real(*node, *text);
      if (form == TreeForm::changes && is_directory) node->opaque = detail::is_marked_opaque(at);
      if (first != nullptr) *first = node;
    }
    parent.children[at.name] = node;
    if (is_directory) directories.emplace(at.path, node);
  });
  return tree;
}

namespace detail {

void lay_over(MemoryNode& below, MemoryNode const& above);

}  // namespace detail

/// Applies a layer's changes to the tree below it, as overlayfs shows them. Nodes are shared: copy the trees
/// that are still needed.
void lay_over(MemoryTree& below, MemoryTree const& layer);

/// A `LowerView` of a tree in memory.
class MemoryLower final : public LowerView {
 public:
  /// @param tree must outlive the object
  explicit MemoryLower(MemoryTree const& tree) : tree_(tree) {}
  Below at(std::string_view path) const override;
  std::vector<std::string> root_names() const override;

 private:
  MemoryTree const& tree_;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/load_tree.ipp>
#endif

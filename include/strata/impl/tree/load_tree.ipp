#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/tree/load_tree.hpp>

namespace strata::archive::detail {

STRATA_INLINE bool is_marked_opaque(sys::Visited const& at) {
  sys::Fd const fd = sys::try_enter(at.directory, at.name.c_str());
  if (!fd) return false;
  for (bool const user : {false, true})
    if (auto const value = sys::get_xattr(fd.get(), OverlayXattr{.user_xattr = user}.opaque(), at.path);
        value && *value == "y")
      return true;
  return false;
}

STRATA_INLINE void tell_real(MemoryNode& node, std::string const& text) {
  TarHeader header{.type = S_ISREG(node.mode) ? EntryType::regular : EntryType::directory};
  if (!apply_override_stat(text, header)) return;
  node.uid = header.uid;
  node.gid = header.gid;
  auto const kind = header.type == EntryType::fifo           ? S_IFIFO
                    : header.type == EntryType::char_device  ? S_IFCHR
                    : header.type == EntryType::block_device ? S_IFBLK
                                                             : node.mode & S_IFMT;
  node.mode = kind | header.mode;
  if (!S_ISREG(node.mode)) node.size = 0;
  if (kind == S_IFCHR || kind == S_IFBLK) node.device = makedev(header.dev_major, header.dev_minor);
}

STRATA_INLINE void lay_over(MemoryNode& below, MemoryNode const& above) {
  for (auto const& [name, child] : above.children) {
    if (child->is_whiteout()) {
      below.children.erase(name);
      continue;
    }
    auto& place = below.children[name];
    if (!child->is_directory()) {
      place = child;
      continue;
    }
    auto merged = std::make_shared<MemoryNode>(*child);
    merged->children.clear();
    merged->opaque = false;
    if (place && place->is_directory() && !child->opaque) merged->children = place->children;
    lay_over(*merged, *child);
    place = std::move(merged);
  }
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE void lay_over(MemoryTree& below, MemoryTree const& layer) {
  below.root().mode = layer.root().mode;
  detail::lay_over(below.root(), layer.root());
  for (auto const& path : layer.tolerated()) below.may_have(path);
}

STRATA_INLINE Below MemoryLower::at(std::string_view path) const {
  auto const node = tree_.find(path);
  return !node ? Below::nothing : node->is_directory() ? Below::directory : Below::other;
}

STRATA_INLINE std::vector<std::string> MemoryLower::root_names() const {
  std::vector<std::string> names;
  for (auto const& [name, child] : tree_.root().children) names.push_back(name);
  return names;
}

}  // namespace strata::archive

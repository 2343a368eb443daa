#pragma once

#include <strata/archive/sparse_body.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/tree_path.hpp>

namespace strata::archive {

STRATA_INLINE TarHeader header_of(MemoryNode const& node) {
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

STRATA_INLINE MemoryAttributes::MemoryAttributes(MemoryNode* node, sys::OpenedAs, std::string_view path)
    : node_(node), path_(path) {
  status_.st_mode = node->mode;
  status_.st_gid = static_cast<gid_t>(node->gid);
}

STRATA_INLINE struct stat const& MemoryAttributes::status() const noexcept { return status_; }

STRATA_INLINE void MemoryAttributes::owner(TarHeader const& header, ChownErrors) {
  AttributeSetter::check_owner(header, path_);
  node_->uid = header.uid;
  node_->gid = header.gid;
}

STRATA_INLINE void MemoryAttributes::xattrs(TarHeader const& header) {
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

STRATA_INLINE void MemoryAttributes::times(std::array<timespec, 2> const& spec) {
  node_->mtime = {.seconds = spec[1].tv_sec, .nanoseconds = static_cast<std::int32_t>(spec[1].tv_nsec)};
  node_->time_known = true;
  node_->told = true;
}

STRATA_INLINE MemoryTree::MemoryTree(bool keeps_contents) : keeps_contents_(keeps_contents) {
  root_->mode = S_IFDIR | 0755;
  root_->implied = true;
}

STRATA_INLINE MemoryTree::MemoryTree(MemoryTree const& other)
    : keeps_contents_(other.keeps_contents_), tolerated_(other.tolerated_) {
  std::unordered_map<MemoryNode const*, Handle> copies;
  root_ = copy(other.root_, copies);
}

STRATA_INLINE MemoryTree& MemoryTree::operator=(MemoryTree other) noexcept {
  root_.swap(other.root_);
  keeps_contents_ = other.keeps_contents_;
  tolerated_.swap(other.tolerated_);
  return *this;
}

STRATA_INLINE auto MemoryTree::find(std::string_view path) const -> Handle {
  auto at = root_;
  while (at && !path.empty()) {
    auto const end = std::min(path.find('/'), path.size());
    auto const found = at->children.find(path.substr(0, end));
    at = found == at->children.end() ? nullptr : found->second;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return at;
}

STRATA_INLINE std::set<std::string> MemoryTree::take_told() {
  std::set<std::string> paths;
  walk([&](std::string const& path, MemoryNode const& node) {
    if (node.told) paths.insert(path);
  });
  forget_told(*root_);
  return paths;
}

STRATA_INLINE auto MemoryTree::try_open(std::string_view path, int) const -> Handle {
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

STRATA_INLINE auto MemoryTree::open(std::string_view path) const -> Handle {
  Handle handle = try_open(path);
  if (!handle) sys::throw_errno("open", path);
  return handle;
}

STRATA_INLINE auto MemoryTree::enter(Ref directory, std::string const& name, std::string_view) -> Handle {
  return directory->children.at(name);
}

STRATA_INLINE auto MemoryTree::open_directory(Ref directory, std::string const& name) -> Handle {
  return directory->children.at(name);
}

STRATA_INLINE std::optional<struct stat> MemoryTree::look(Ref directory, std::string const& name,
                                                          std::string_view path) {
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

STRATA_INLINE std::string MemoryTree::read_link(Ref directory, std::string const& name, std::string_view) {
  return directory->children.at(name)->target;
}

STRATA_INLINE std::vector<std::string> MemoryTree::names(Ref directory, std::string_view) {
  std::vector<std::string> names;
  for (auto const& [name, child] : directory->children) names.push_back(name);
  return names;
}

STRATA_INLINE int MemoryTree::make_file(Ref directory, std::string const& name, mode_t mode, Handle& made) {
  if (add(directory, name, S_IFREG | mode) != 0) return -1;
  made = directory->children.at(name);
  return 0;
}

STRATA_INLINE int MemoryTree::make_directory(Ref directory, std::string const& name, mode_t mode) {
  if (add(directory, name, S_IFDIR | mode) != 0) return -1;
  auto& made = *directory->children.at(name);
  made.mode |= directory->mode & S_ISGID;
  made.implied = true;
  return 0;
}

STRATA_INLINE int MemoryTree::make_symlink(Ref directory, std::string const& name,
                                           std::string const& target) {
  if (target.empty() || target.size() > longest_path) return error(target.empty() ? ENOENT : ENAMETOOLONG);
  if (add(directory, name, S_IFLNK | 0777) != 0) return -1;
  directory->children.at(name)->target = target;
  return 0;
}

STRATA_INLINE int MemoryTree::make_link(Ref from, std::string const& first, Ref directory,
                                        std::string const& name) {
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

STRATA_INLINE int MemoryTree::make_node(Ref directory, std::string const& name, mode_t mode, dev_t device) {
  if ((device & 0xFFFF'FFFFU) != device) return error(EINVAL);
  if (add(directory, name, mode) != 0) return -1;
  directory->children.at(name)->device = device;
  return 0;
}

STRATA_INLINE void MemoryTree::remove(Ref directory, std::string const& name, struct stat const&,
                                      std::string_view) {
  directory->children.erase(name);
  directory->time_known = false;
}

STRATA_INLINE void MemoryTree::write(Handle const& file, Reader& body, std::string_view) const {
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

STRATA_INLINE int MemoryTree::try_share(Ref, std::string const&, std::string_view, TarHeader const&,
                                        Reader&) {
  return error(EXDEV);
}

STRATA_INLINE void MemoryTree::may_have(std::string_view path) {
  for (; !path.empty(); path = TreePath(path).parent) tolerated_.emplace(path);
}

STRATA_INLINE int MemoryTree::error(int code) {
  errno = code;
  return -1;
}

STRATA_INLINE auto MemoryTree::fail(int code) -> Handle {
  errno = code;
  return {};
}

STRATA_INLINE int MemoryTree::add(Ref directory, std::string const& name, mode_t mode) {
  if (directory->children.contains(name)) return error(EEXIST);
  if (name.size() > longest_name) return error(ENAMETOOLONG);
  auto node = std::make_shared<MemoryNode>();
  node->mode = mode;
  if ((directory->mode & S_ISGID) != 0) node->gid = directory->gid;
  directory->children.emplace(name, std::move(node));
  directory->time_known = false;
  return 0;
}

STRATA_INLINE void MemoryTree::forget_told(MemoryNode& node) {
  node.told = false;
  for (auto const& [name, child] : node.children) forget_told(*child);
}

STRATA_INLINE auto MemoryTree::copy(Handle const& node, std::unordered_map<MemoryNode const*, Handle>& copies)
    -> Handle {
  auto& made = copies[node.get()];
  if (made) return made;
  made = std::make_shared<MemoryNode>(*node);
  auto result = made;
  for (auto& [name, child] : result->children) child = copy(child, copies);
  return result;
}

}  // namespace strata::archive

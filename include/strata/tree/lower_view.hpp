#pragma once

#include <strata/archive/whiteout.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::archive {

/// What the lower layers show at a path.
enum class Below { nothing, directory, other };

/// The lower layers of a layer stored as changes: decides whether a whiteout has anything to hide.
class LowerView {
 public:
  virtual ~LowerView() = default;
  /// @param path clean, without a leading "/"; links are not followed
  virtual Below at(std::string_view path) const = 0;
  /// The target of the symbolic link shown at a path; empty if there is none. Only used with `Former::kept`,
  /// for what lies below foreign contents.
  virtual std::optional<std::string> link_at(std::string_view) const { return std::nullopt; }
  /// The names in the root directory.
  virtual std::vector<std::string> root_names() const = 0;

 protected:
  LowerView() = default;
  LowerView(LowerView const&) = default;
  LowerView& operator=(LowerView const&) = default;
};

/// Directories merged by overlayfs's rules: the uppermost takes precedence; a whiteout, a non-directory or an
/// opaque directory hides what is below it. Not safe for concurrent use.
class LowerTrees final : public LowerView {
 public:
  /// The directories, uppermost first; an empty list shows nothing. `std::nullopt`: unknown.
  using Find = std::function<std::optional<std::vector<std::filesystem::path>>()>;

  /// @param find called on first use
  explicit LowerTrees(Find find) : find_(std::move(find)) {}

  /// A directory if unknown.
  Below at(std::string_view path) const override { return open() ? find(path).what : Below::directory; }

  std::optional<std::string> link_at(std::string_view path) const override {
    if (!open()) return std::nullopt;
    auto const seen = find(path);
    if (seen.what != Below::other) return std::nullopt;
    std::string target(4096, '\0');
    auto const size =
        ::readlinkat(roots_[seen.root].get(), std::string(path).c_str(), target.data(), target.size());
    if (size < 0 && errno == EINVAL) return std::nullopt;  // not a link
    if (size < 0) sys::throw_errno("readlink", path);
    target.resize(static_cast<std::size_t>(size));
    return target;
  }

  std::vector<std::string> root_names() const override {
    std::set<std::string> seen;
    std::vector<std::string> names;
    if (!open()) return names;
    for (std::size_t i = 0; i < roots_.size(); ++i)
      for (auto const& entry :
           sys::read_directory(sys::open_at(roots_[i].get(), ".", O_RDONLY | O_DIRECTORY).get(), "/"))
        if (seen.insert(entry.name).second) {
          struct stat status {};
          if (look(i, entry.name, status) && !is_overlay_whiteout(status)) names.push_back(entry.name);
        }
    return names;
  }

 private:
  struct Seen {
    Below what = Below::nothing;
    std::size_t root = 0;  ///< index of the tree that has a non-directory
  };
  Seen find(std::string_view path) const {
    std::vector<std::size_t> visible(roots_.size());
    for (std::size_t i = 0; i < visible.size(); ++i) visible[i] = i;
    for (std::size_t end = 0; end != path.size();) {
      end = std::min(path.find('/', end == 0 ? 0 : end + 1), path.size());
      std::string const prefix(path.substr(0, end));
      std::vector<std::size_t> directories;
      for (auto const index : visible) {
        struct stat status {};
        if (!look(index, prefix, status)) continue;
        if (is_overlay_whiteout(status)) break;
        if (!S_ISDIR(status.st_mode)) {
          if (directories.empty() && end == path.size()) return {.what = Below::other, .root = index};
          break;
        }
        directories.push_back(index);
        if (is_opaque(index, prefix)) break;
      }
      if (directories.empty()) return {};
      visible = std::move(directories);
    }
    return {.what = Below::directory};
  }

  /// Opens the trees on first use; false if they are unknown.
  bool open() const {
    if (auto const find_now = std::exchange(find_, {})) {
      auto const trees = find_now();
      known_ = trees.has_value();
      if (trees)
        for (auto const& tree : *trees)
          roots_.push_back(sys::open_at(AT_FDCWD, tree, O_RDONLY | O_DIRECTORY));
    }
    return known_;
  }
  bool look(std::size_t index, std::string const& path, struct stat& status) const {
    if (::fstatat(roots_[index].get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
    if (!sys::is_absent(errno)) sys::throw_errno("stat", path);
    return false;
  }
  bool is_opaque(std::size_t index, std::string const& path) const {
    sys::Fd const fd = sys::open_at(roots_[index].get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    char value = 0;
    auto const size = ::fgetxattr(fd.get(), OverlayXattr::here().opaque(), &value, 1);
    if (size < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE)
      sys::throw_errno("getxattr", path);
    return size == 1 && value == 'y';
  }

  mutable Find find_;
  mutable bool known_ = false;
  mutable std::vector<sys::Fd> roots_ = {};
};

}  // namespace strata::archive

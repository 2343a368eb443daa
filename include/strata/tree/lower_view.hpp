#pragma once

#include <strata/fs.hpp>
#include <strata/tree/merged_directories.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
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

/// `MergedDirectories` that are looked for at first use. Not safe for concurrent use.
class LowerTrees final : public LowerView {
 public:
  /// The directories, uppermost first; an empty list shows nothing. `std::nullopt`: unknown.
  using Find = std::function<std::optional<std::vector<fs::path>>()>;

  /// @param find called on first use
  explicit LowerTrees(Find find) : find_(std::move(find)) {}

  /// A directory if unknown.
  Below at(std::string_view path) const override {
    if (!open()) return Below::directory;
    if (path.empty()) return Below::directory;
    auto const seen = find(path);
    return !seen ? Below::nothing : seen.is_directory() ? Below::directory : Below::other;
  }

  std::optional<std::string> link_at(std::string_view path) const override {
    if (path.empty() || !open()) return std::nullopt;
    auto const seen = find(path);
    if (!seen || !S_ISLNK(seen.status.st_mode)) return std::nullopt;
    return trees_->link(seen.roots.front(), std::string(path));
  }

  std::vector<std::string> root_names() const override {
    std::vector<std::string> names;
    if (!open()) return names;
    for (auto& name : trees_->names(trees_->all(), {}))
      if (trees_->find(trees_->all(), name)) names.push_back(std::move(name));
    return names;
  }

 private:
  MergedDirectories::Found find(std::string_view path) const {
    MergedDirectories::Found found{.roots = trees_->all()};
    for (std::size_t end = 0; end != path.size() && found;) {
      end = std::min(path.find('/', end == 0 ? 0 : end + 1), path.size());
      found = trees_->find(found.roots, std::string(path.substr(0, end)));
      if (end != path.size() && !found.is_directory()) return {};
    }
    return found;
  }

  /// Opens the trees on first use; false if they are unknown.
  bool open() const {
    if (auto const find_now = std::exchange(find_, {}))
      if (auto const trees = find_now()) trees_.emplace(*trees);
    return trees_.has_value();
  }

  mutable Find find_;
  mutable std::optional<MergedDirectories> trees_ = {};
};

}  // namespace strata::archive

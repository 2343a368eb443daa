#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>
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
  Below at(std::string_view path) const override;

  std::optional<std::string> link_at(std::string_view path) const override;

  std::vector<std::string> root_names() const override;

 private:
  MergedDirectories::Found find(std::string_view path) const;

  /// Opens the trees on first use; false if they are unknown.
  bool open() const;

  mutable Find find_;
  mutable std::optional<MergedDirectories> trees_ = {};
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/tree/lower_view.ipp>
#endif

#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace strata {

/// An unpacked layer in an additional layer store: a directory with `diff`, `info` and `blob` that another
/// program serves. That program counts the users of a layer; the constructor adds one and the destructor
/// removes it. A layer created from it announces its own use. Movable; not safe for concurrent use.
class AdditionalTree {
 public:
  /// @param path the layer's directory in the layer store
  explicit AdditionalTree(fs::path path) : path_(std::move(path)) { announce(path_); }
  AdditionalTree(AdditionalTree&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  AdditionalTree& operator=(AdditionalTree&& other) noexcept;
  ~AdditionalTree() { give_back(path_); }

  fs::path const& path() const noexcept { return path_; }
  fs::path diff() const { return path_ / paths::layer_store::diff; }
  fs::path info() const { return path_ / paths::layer_store::info; }
  fs::path blob() const { return path_ / paths::layer_store::blob; }

  /// True if the directory has all three entries.
  /// @throws `errno`, "stat <path>"
  static bool is_whole(fs::path const& path);

  /// Adds a user, by creating the file `use`. A layer store does not really create it; on another file system
  /// it is removed again.
  static void announce(fs::path const& path) noexcept;
  /// Removes a user, by rmdir(2) of the directory. Harmless elsewhere, as the directory is not empty.
  static void give_back(fs::path const& path) noexcept;

 private:
  fs::path path_;
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/additional_tree.ipp>
#endif

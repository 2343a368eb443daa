#pragma once

#include <strata/paths.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>
#include <utility>

namespace strata {

/// A layer that another program shows unpacked in a directory of its own (an "additional layer store", on-disk-format §1.5):
/// `diff`, `info`, `blob`. That program counts who uses it: announced here, given back with the object; a layer that is
/// made of it announces its own use. Movable; not for two threads at once.
class AdditionalTree {
 public:
  explicit AdditionalTree(std::filesystem::path path) : path_(std::move(path)) { announce(path_); }
  AdditionalTree(AdditionalTree&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  AdditionalTree& operator=(AdditionalTree&& other) noexcept {
    if (this != &other) {
      give_back(path_);
      path_ = std::exchange(other.path_, {});
    }
    return *this;
  }
  ~AdditionalTree() { give_back(path_); }

  std::filesystem::path const& path() const noexcept { return path_; }
  std::filesystem::path diff() const { return path_ / paths::layer_store::diff; }
  std::filesystem::path info() const { return path_ / paths::layer_store::info; }
  std::filesystem::path blob() const { return path_ / paths::layer_store::blob; }

  /// Whether a directory holds all of it.  @throws `errno`, "stat <path>", if that cannot be told
  static bool is_whole(std::filesystem::path const& path) {
    for (auto const name : {paths::layer_store::diff, paths::layer_store::info, paths::layer_store::blob})
      if (!sys::find_status(path / name, 0)) return false;
    return true;
  }

  /// One user more. Such a store makes no file of that name; one that does not count may.
  static void announce(std::filesystem::path const& path) noexcept {
    if (!path.is_absolute()) return;
    auto const use = path / paths::layer_store::use;
    if (sys::try_open_at(AT_FDCWD, use.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600)) ::unlink(use.c_str());
  }
  /// One user less. In a directory that is none of such a store nothing happens, for it is not empty.
  static void give_back(std::filesystem::path const& path) noexcept {
    if (path.is_absolute()) ::rmdir(path.c_str());
  }

 private:
  std::filesystem::path path_;
};

}  // namespace strata

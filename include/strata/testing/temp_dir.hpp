#pragma once

#include <strata/fs.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/remove_tree.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <utility>

namespace strata::testing {

/// A temporary directory, removed with its contents by the destructor, after detaching mounts below it.
class TempDir {
 public:
  /// Created below `$TMPDIR`, or /tmp.
  TempDir() : TempDir(fs::temp_directory_path()) {}
  explicit TempDir(fs::path const& parent) {
    std::string pattern = (parent / "strata-test-XXXXXX").native();
    if (::mkdtemp(pattern.data()) == nullptr) sys::throw_errno("mkdtemp", pattern);
    path_ = std::move(pattern);
  }
  TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TempDir& operator=(TempDir&&) = delete;
  ~TempDir() {
    if (path_.empty()) return;
    try {
      sys::remove_tree(path_);
    } catch (std::exception const& error) {
      std::cerr << "left behind: " << error.what() << '\n';
    }
  }

  fs::path const& path() const noexcept { return path_; }
  fs::path operator/(fs::path const& below) const { return path_ / below; }

 private:
  fs::path path_;
};

}  // namespace strata::testing

#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/remove_tree.hpp>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

namespace strata::testing {

/// A temporary directory, removed with its contents by the destructor, after detaching mounts below it.
class TempDir {
 public:
  /// Created below `$TMPDIR`, or /tmp.
  TempDir() : TempDir(std::filesystem::temp_directory_path()) {}
  explicit TempDir(std::filesystem::path const& parent) {
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

  std::filesystem::path const& path() const noexcept { return path_; }
  std::filesystem::path operator/(std::filesystem::path const& below) const { return path_ / below; }

 private:
  std::filesystem::path path_;
};

}  // namespace strata::testing

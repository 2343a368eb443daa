#pragma once

#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>
#include <unistd.h>

/// A file system of its own kind for tests, in a file.
class LoopDisk {
 public:
  /// Where it cannot be had (no root, no mkfs, no loop devices, not in this kernel), `works()` is false.
  /// @param make  the command that makes the file system, to which the file's name is added: "mkfs.btrfs -q"
  LoopDisk(std::string const& make, std::string const& options = "loop", unsigned mebibytes = 512) {
    if (::geteuid() != 0) return;
    auto const file = (directory_ / "disk").native();
    strata::fs::ofstream(file).close();
    strata::fs::resize_file(file, std::uintmax_t{mebibytes} << 20U);
    strata::fs::create_directory(path());
    works_ = run(make + ' ' + file) && run("mount -o " + options + ' ' + file + ' ' + path().native());
  }
  LoopDisk(LoopDisk const&) = delete;
  LoopDisk& operator=(LoopDisk const&) = delete;
  ~LoopDisk() {
    if (works_) run("umount -l " + path().native());
  }

  bool works() const noexcept { return works_; }
  strata::fs::path path() const { return directory_ / "mounted"; }

  static bool run(std::string const& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;  // NOLINT: words of the test itself
  }

 private:
  strata::testing::TempDir directory_{strata::fs::exists("/dev/shm") ? "/dev/shm"
                                                                     : strata::fs::temp_directory_path()};
  bool works_ = false;
};

/// A disk that all tests of a program share, for making one takes long; nothing, after a word about it, if it cannot be
/// had.
inline LoopDisk const* shared_btrfs() {
  static LoopDisk const disk("mkfs.btrfs -q");
  if (!disk.works()) WARN("skipped: no btrfs can be mounted here");
  return disk.works() ? &disk : nullptr;
}

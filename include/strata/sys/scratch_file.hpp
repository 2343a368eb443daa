#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace strata::sys {

/// A file without a name, for reading and writing, gone when it is closed.
/// @throws `errno`, "open <directory>"
inline Fd scratch_file(std::filesystem::path const& directory) {
  if (Fd fd = try_open_at(AT_FDCWD, directory.c_str(), O_RDWR | O_TMPFILE | O_EXCL, 0600)) return fd;
  // A file system that knows no such files: one that has its name for a moment.
  std::string name = (directory / ".scratch-XXXXXX").native();
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) throw_errno("open", directory);
  ::unlink(name.c_str());
  return fd;
}

}  // namespace strata::sys

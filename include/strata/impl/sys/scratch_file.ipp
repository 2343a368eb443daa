#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/scratch_file.hpp>

#include <cstdlib>

namespace strata::sys {

STRATA_INLINE Fd scratch_file(fs::path const& directory) {
  if (Fd fd = try_open_at(AT_FDCWD, directory.c_str(), O_RDWR | O_TMPFILE | O_EXCL, 0600)) return fd;
  // The file system has no O_TMPFILE: create a named file and unlink it.
  std::string name = (directory / ".scratch-XXXXXX").native();
  Fd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) throw_errno("open", directory);
  ::unlink(name.c_str());
  return fd;
}

STRATA_INLINE fs::path scratch_directory(fs::path wanted) {
  if (!wanted.empty()) return wanted;
  auto const* const environment = std::getenv("TMPDIR");
  return environment != nullptr && *environment != 0 ? fs::path(environment) : fs::path("/var/tmp");
}

}  // namespace strata::sys

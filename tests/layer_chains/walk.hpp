#pragma once

#include <strata/fs.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>

#include <fcntl.h>
#include <map>
#include <string>
#include <sys/stat.h>

namespace layer_chains {

/// Opens everything that a mounted tree lists.
/// @return the contents of its files, by path
/// @throws `errno`: something is listed and cannot be looked at or opened
inline void walk(int directory, std::string const& path, std::map<std::string, std::string>& files) {
  namespace sys = strata::sys;
  for (auto const& entry : sys::read_directory(directory, path)) {
    auto const at = path.empty() ? entry.name : path + '/' + entry.name;
    struct stat status {};
    if (::fstatat(directory, entry.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      sys::throw_errno("stat", at);
    if (S_ISDIR(status.st_mode)) {
      auto const below = sys::open_at(directory, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      walk(below.get(), at, files);
    } else if (S_ISREG(status.st_mode)) {
      auto const file = sys::open_at(directory, entry.name, O_RDONLY | O_NOFOLLOW);
      files.emplace(at, sys::read_rest(file.get(), at));
    } else {
      static_cast<void>(sys::open_at(directory, entry.name, O_PATH | O_NOFOLLOW));
    }
  }
}

inline std::map<std::string, std::string> files_of(strata::fs::path const& top) {
  std::map<std::string, std::string> files;
  walk(strata::sys::open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY).get(), "", files);
  return files;
}

}  // namespace layer_chains

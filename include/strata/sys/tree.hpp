#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <boost/filesystem/directory.hpp>
#include <boost/system/error_code.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata::sys {

/// An entry that `walk` visits.
struct Visited {
  std::string const& path;    ///< relative to the top, "a/b"
  int directory;              ///< open descriptor of its directory
  std::string const& name;    ///< name in `directory`
  struct stat const& status;  ///< of the entry itself; links are not followed
};

/// Which mount points `walk` enters.
enum class WalkInto {
  own_mount,    ///< none
  file_system,  ///< those of the top's file system: bind mounts
};

namespace detail {

/// A type-erased callback, so that the walk is compiled only once.
struct WalkVisitor {
  void* object;
  void (*call)(void* object, Visited const& visited);
};

void walk_all(fs::path const& top, WalkVisitor visitor, WalkInto into);

}  // namespace detail

/// Calls `visit(Visited const&)` for everything below a directory: a directory before its contents, names in
/// byte order. Mount points are visited, but entered only as `into` says. Entries that vanish meanwhile are
/// skipped.
/// @throws `errno`, "open <path>", "stat <path>"; exceptions of `visit`
///
///     sys::walk(top, [](sys::Visited const& at) { std::cout << at.path << '\n'; });
template <class Visit>
void walk(fs::path const& top, Visit&& visit, WalkInto into = WalkInto::own_mount) {
  using Function = std::remove_reference_t<Visit>;
  auto* const object = const_cast<void*>(static_cast<void const*>(std::addressof(visit)));
  detail::walk_all(
      top,
      {object, [](void* function, Visited const& visited) { (*static_cast<Function*>(function))(visited); }},
      into);
}

/// Sum of the sizes (not blocks) of all non-directories below a directory, each inode once; 0 if it does not
/// exist. Works by path: only for directories that the store alone writes to.
std::uint64_t disk_usage(fs::path const& path);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/tree.ipp>
#endif

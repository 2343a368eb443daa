#pragma once

#include <strata/fs.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <utility>

namespace strata::sys {

/// Calls `visit(fd, path)` for each regular file and directory of a tree, a directory after its contents.
/// `fd` is an `Fd` that the callee may keep; `path()` returns the path. Where the file system does not report
/// types, `fd` may also be a FIFO or the like. Does not enter mounts.
/// @throws `errno`, "open <path>"; exceptions of `visit`
template <class Visit>
void visit_contents(fs::path const& top, Visit&& visit) {
  Descent<Entries> descent(top);
  auto const enter = [&](Fd fd, std::string name) {
    auto entries = read_directory(fd.get(), top);
    descent.enter(std::move(fd), std::move(name), {std::move(entries)});
  };
  enter(open_at(AT_FDCWD, top, O_RDONLY | O_DIRECTORY), {});
  while (!descent.empty()) {
    auto& level = descent.here().extra;
    if (level.done()) {
      Fd copy(retry([&] { return ::fcntl(descent.fd(), F_DUPFD_CLOEXEC, 0); }));
      if (!copy) throw_errno("open", descent.path());
      visit(std::move(copy), [&] { return descent.path(); });
      descent.leave();
      continue;
    }
    DirectoryEntry const entry = level.take();
    if (is_directory(descent.fd(), entry)) {
      Fd fd = try_enter(descent.fd(), entry.name.c_str());
      if (!fd && errno == EXDEV) continue;  // a mount point: not part of this tree
      if (!fd) throw_errno("open", descent.path(entry.name));
      enter(std::move(fd), entry.name);
    } else if (entry.type == DT_REG || entry.type == DT_UNKNOWN) {
      // O_NONBLOCK: an entry of unknown type may be a FIFO without a writer.
      auto file = find_at(descent.fd(), entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK).named([&] {
        return descent.path(entry.name);
      });
      if (file)
        visit(*std::move(file), [&] { return descent.path(entry.name); });
      else if (entry.type == DT_REG)  // an entry of unknown type may be a link, or a device without a driver
        file.raise();
    }
  }
}

}  // namespace strata::sys

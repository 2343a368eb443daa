#pragma once

#include <strata/fs.hpp>
#include <strata/id_map.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <cstdint>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string>
#include <string_view>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace strata::sys {

namespace detail {

/// Body of a helper child. The child shares the parent's descriptors, and so its file locks; therefore it
/// ends with the parent, even if that has ended already. Makes bare system calls only, as it may hold copies
/// of mutexes that other threads had locked.
[[noreturn]] void wait_for_end_of(pid_t parent) noexcept;

}  // namespace detail

/// A user namespace with given maps, kept alive by a descriptor. Requires CAP_SETUID and CAP_SETGID.
class [[nodiscard]] MappedNamespace {
 public:
  /// @throws `errno`, "clone user namespace" or "write /proc/…/uid_map"
  explicit MappedNamespace(IdMaps const& maps);

  int fd() const noexcept { return namespace_.get(); }

 private:
  /// Ends the child, which is not needed once the descriptor is open.
  struct End {
    pid_t child;
    ~End();
  };
  Fd namespace_;
};

/// Bind-mounts a directory at `target` with its files' owners mapped into `names`: id 0 of the namespace owns
/// what id 0 of the host owns. Mounts below `from` are not included. Linux 5.12 and a file system with
/// support.
/// @throws `errno`, "open_tree", "mount_setattr" or "move_mount <path>"
void idmapped_bind(fs::path const& from, fs::path const& target, MappedNamespace const& names);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/idmapped_mount.ipp>
#endif

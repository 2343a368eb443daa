#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <span>
#include <string_view>
#include <sys/syscall.h>

/// Which system calls tests count, fail and kill at, and with what each can fail.
namespace tools {

/// Errors as flags, so that a kind can name several.
enum Errors : unsigned {
  io = 1,           ///< EIO
  space = 2,        ///< ENOSPC, EDQUOT
  descriptors = 4,  ///< EMFILE
  memory = 8,       ///< ENOMEM
  interrupted = 16  ///< EINTR
};

/// One system call that is looked at.
struct SyscallKind {
  long number;
  std::string_view name;
  bool mutates;           ///< changes a file system or what is mounted
  unsigned errors;        ///< what it can fail with
  int path = -1;          ///< which argument is a path, if one is; of two paths the new one
  int opened_flags = -1;  ///< of what opens files: which argument has the flags
};

inline constexpr unsigned any_write = io | space | memory;
inline constexpr unsigned any_look = io | memory;
inline constexpr unsigned any_open = io | descriptors | memory;

inline constexpr auto syscall_kinds = std::to_array<SyscallKind>({
    {SYS_openat, "openat", false, any_open | interrupted, 1, 2},
    {SYS_open, "open", false, any_open | interrupted, 0, 1},
    {SYS_openat2, "openat2", false, any_open | interrupted, 1, 2},
    {SYS_creat, "creat", true, any_open | space | interrupted, 0},
    {SYS_mkdirat, "mkdirat", true, any_write, 1},
    {SYS_mkdir, "mkdir", true, any_write, 0},
    {SYS_mknodat, "mknodat", true, any_write, 1},
    {SYS_mknod, "mknod", true, any_write, 0},
    {SYS_linkat, "linkat", true, any_write, 3},
    {SYS_link, "link", true, any_write, 1},
    {SYS_symlinkat, "symlinkat", true, any_write, 2},
    {SYS_symlink, "symlink", true, any_write, 1},
    {SYS_unlinkat, "unlinkat", true, any_write, 1},
    {SYS_unlink, "unlink", true, any_write, 0},
    {SYS_rmdir, "rmdir", true, any_write, 0},
    {SYS_renameat2, "renameat2", true, any_write, 3},
    {SYS_renameat, "renameat", true, any_write, 3},
    {SYS_rename, "rename", true, any_write, 1},
    {SYS_write, "write", true, any_write | interrupted},
    {SYS_pwrite64, "pwrite64", true, any_write | interrupted},
    {SYS_writev, "writev", true, any_write | interrupted},
    {SYS_pwritev, "pwritev", true, any_write | interrupted},
    {SYS_pwritev2, "pwritev2", true, any_write | interrupted},
    {SYS_copy_file_range, "copy_file_range", true, any_write | interrupted},
    {SYS_sendfile, "sendfile", true, any_write | interrupted},
    {SYS_ioctl, "ioctl", true, any_write | interrupted},
    {SYS_fsync, "fsync", true, io | space | interrupted},
    {SYS_fdatasync, "fdatasync", true, io | space | interrupted},
    {SYS_syncfs, "syncfs", true, io | space},
    {SYS_sync_file_range, "sync_file_range", true, any_write},
    {SYS_ftruncate, "ftruncate", true, any_write | interrupted},
    {SYS_truncate, "truncate", true, any_write | interrupted, 0},
    {SYS_fallocate, "fallocate", true, any_write | interrupted},
    {SYS_fchown, "fchown", true, any_write},
    {SYS_fchownat, "fchownat", true, any_write, 1},
    {SYS_lchown, "lchown", true, any_write, 0},
    {SYS_chown, "chown", true, any_write, 0},
    {SYS_fchmod, "fchmod", true, any_write},
    {SYS_fchmodat, "fchmodat", true, any_write, 1},
    {SYS_chmod, "chmod", true, any_write, 0},
    {SYS_utimensat, "utimensat", true, any_write, 1},
    {SYS_setxattr, "setxattr", true, any_write, 0},
    {SYS_lsetxattr, "lsetxattr", true, any_write, 0},
    {SYS_fsetxattr, "fsetxattr", true, any_write},
    {SYS_removexattr, "removexattr", true, any_write, 0},
    {SYS_lremovexattr, "lremovexattr", true, any_write, 0},
    {SYS_fremovexattr, "fremovexattr", true, any_write},
    {SYS_mount, "mount", true, io | memory, 1},
    {SYS_umount2, "umount2", true, memory, 0},
    {SYS_fsopen, "fsopen", false, descriptors | memory},
    {SYS_fsconfig, "fsconfig", false, io | memory},
    {SYS_fsmount, "fsmount", false, any_open},
    {SYS_move_mount, "move_mount", true, memory, 3},
    {SYS_open_tree, "open_tree", false, descriptors | memory, 1},
    {SYS_mount_setattr, "mount_setattr", true, memory, 1},
    {SYS_flock, "flock", false, memory | interrupted},
    {SYS_fcntl, "fcntl", false, memory | interrupted},
    {SYS_read, "read", false, any_look | interrupted},
    {SYS_pread64, "pread64", false, any_look | interrupted},
    {SYS_readv, "readv", false, any_look | interrupted},
    {SYS_preadv, "preadv", false, any_look | interrupted},
    {SYS_getdents64, "getdents64", false, any_look},
    {SYS_statx, "statx", false, any_look, 1},
    {SYS_newfstatat, "newfstatat", false, any_look, 1},
    {SYS_stat, "stat", false, any_look, 0},
    {SYS_lstat, "lstat", false, any_look, 0},
    {SYS_fstat, "fstat", false, any_look},
    {SYS_statfs, "statfs", false, any_look, 0},
    {SYS_fstatfs, "fstatfs", false, any_look},
    {SYS_access, "access", false, any_look, 0},
    {SYS_faccessat, "faccessat", false, any_look, 1},
    {SYS_faccessat2, "faccessat2", false, any_look, 1},
    {SYS_readlink, "readlink", false, any_look, 0},
    {SYS_readlinkat, "readlinkat", false, any_look, 1},
    {SYS_getxattr, "getxattr", false, any_look, 0},
    {SYS_lgetxattr, "lgetxattr", false, any_look, 0},
    {SYS_fgetxattr, "fgetxattr", false, any_look},
    {SYS_listxattr, "listxattr", false, any_look, 0},
    {SYS_llistxattr, "llistxattr", false, any_look, 0},
    {SYS_flistxattr, "flistxattr", false, any_look},
    {SYS_memfd_create, "memfd_create", false, descriptors | memory, 0},
    {SYS_pipe2, "pipe2", false, descriptors},
    {SYS_eventfd2, "eventfd2", false, descriptors | memory},
    {SYS_dup, "dup", false, descriptors},
    {SYS_pidfd_open, "pidfd_open", false, descriptors | memory},
    {SYS_mmap, "mmap", false, memory},
    {SYS_clone3, "clone3", false, memory},
    {SYS_clone, "clone", false, memory},
    {SYS_unshare, "unshare", false, memory},
});

inline SyscallKind const* find_kind(long number) {
  auto const at = std::ranges::find(syscall_kinds, number, &SyscallKind::number);
  return at == syscall_kinds.end() ? nullptr : &*at;
}

inline SyscallKind const* find_kind(std::string_view name) {
  auto const at = std::ranges::find(syscall_kinds, name, &SyscallKind::name);
  return at == syscall_kinds.end() ? nullptr : &*at;
}

/// An error that tests make system calls fail with.
struct InjectedError {
  int number;
  std::string_view name;
  unsigned flag;  ///< of `Errors`
};

inline constexpr auto injected_errors = std::to_array<InjectedError>({{EIO, "EIO", io},
                                                                      {ENOSPC, "ENOSPC", space},
                                                                      {EDQUOT, "EDQUOT", space},
                                                                      {EMFILE, "EMFILE", descriptors},
                                                                      {ENOMEM, "ENOMEM", memory},
                                                                      {EINTR, "EINTR", interrupted}});

inline InjectedError const* find_error(std::string_view name) {
  auto const at = std::ranges::find(injected_errors, name, &InjectedError::name);
  return at == injected_errors.end() ? nullptr : &*at;
}

}  // namespace tools

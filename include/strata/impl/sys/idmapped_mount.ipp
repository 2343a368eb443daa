#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/sys/enter_userns.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/idmapped_mount.hpp>

namespace strata::sys::detail {

STRATA_INLINE void wait_for_end_of(pid_t parent) noexcept {
  ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (::syscall(SYS_getppid) == parent)
    for (;;) ::syscall(SYS_pause);
  for (;;) ::syscall(SYS_exit_group, 0);
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE MappedNamespace::MappedNamespace(IdMaps const& maps) {
  auto const self = ::getpid();
  // A bare clone, without the fork handlers of fork(3).
  auto const child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) detail::wait_for_end_of(self);
  if (child < 0) throw_errno("clone", "user namespace");
  End const end{static_cast<pid_t>(child)};
  auto const proc = fs::path("/proc") / std::to_string(child);
  auto const write = [&](std::string_view name, IdMap const& map) {
    auto const file = open_at(AT_FDCWD, proc / name, O_WRONLY);
    write_all(file.get(), as_bytes(detail::map_text(map)), proc / name);
  };
  write("uid_map", maps.uids);
  write("gid_map", maps.gids);
  namespace_ = open_at(AT_FDCWD, proc / "ns/user", O_RDONLY);
}

STRATA_INLINE MappedNamespace::End::~End() {
  ::kill(child, SIGKILL);
  retry([this] { return ::waitpid(child, nullptr, 0); });
}

STRATA_INLINE void idmapped_bind(fs::path const& from, fs::path const& target, MappedNamespace const& names) {
  Fd const tree(::open_tree(AT_FDCWD, from.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) throw_errno("open_tree", from);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.propagation = MS_PRIVATE;
  attributes.userns_fd = static_cast<std::uint64_t>(names.fd());
  if (::mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
    throw_errno("mount_setattr", from);
  if (::move_mount(tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    throw_errno("move_mount", target);
}

}  // namespace strata::sys

#pragma once

#include <strata/fs.hpp>
#include <strata/sys/xattr.hpp>

#include "process.hpp"
#include "random.hpp"
#include "step.hpp"
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace random_commands {

namespace detail {
inline int put(std::string const& path, std::string const& content, int flags) {
  int const fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0644);
  if (fd < 0) return -1;
  auto const wrote = ::write(fd, content.data(), content.size());
  ::close(fd);
  return wrote < 0 ? -1 : 0;
}
inline void set_time(std::string const& path, std::int64_t seconds) {
  timespec const times[] = {{.tv_sec = seconds, .tv_nsec = 0}, {.tv_sec = seconds, .tv_nsec = 0}};
  ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW);
}
}  // namespace detail

/// Makes the change below a mount point. @return  what the kernel said to it, the same for all stores if their trees are
inline std::string carry_out(Edit const& edit, std::string const& mount_point) {
  auto const path = mount_point + '/' + edit.path, second = mount_point + '/' + edit.target;
  auto const result = [&] {
    switch (edit.kind) {
      case Edit::write:
        return detail::put(path, edit.target, O_TRUNC);
      case Edit::append:
        return detail::put(path, edit.target, O_APPEND);
      case Edit::remove: {
        boost::system::error_code error;
        strata::fs::remove_all(path, error);
        errno = error.value();
        return error ? -1 : 0;
      }
      case Edit::directory:
        return ::mkdir(path.c_str(), 0755);
      case Edit::symlink:
        return ::symlink(edit.target.c_str(), path.c_str());
      case Edit::hard_link:
        return ::link(second.c_str(), path.c_str());
      case Edit::rename:
        return ::rename(path.c_str(), second.c_str());
      case Edit::mode:
        return ::fchmodat(AT_FDCWD, path.c_str(), edit.number, 0);
      case Edit::owner:
        return ::lchown(path.c_str(), edit.number, edit.number);
      case Edit::attribute:
        return ::lsetxattr(path.c_str(), "user.edited", edit.target.data(), edit.target.size(), 0);
      case Edit::fifo:
        return ::mkfifo(path.c_str(), 0600);
      case Edit::device:
        return ::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 3));
    }
    return 0;
  }();
  std::string const said = result == 0 ? "done" : std::strerror(errno);
  auto const directory = [](std::string const& of) { return of.substr(0, of.rfind('/')); };
  // A container's processes make files of its own ids, as the directory has, or else its root. The group may have come
  // from the directory already.
  if (struct stat above{}, made{}; result == 0 && ::lstat(path.c_str(), &made) == 0 && made.st_uid == 0 &&
                                   (made.st_gid == 0 || edit.root_uid != 0) &&
                                   ::stat(directory(path).c_str(), &above) == 0) {
    bool const is_hosts = above.st_uid == 0 && above.st_gid == 0;
    auto const uid = is_hosts ? edit.root_uid : above.st_uid;
    auto const gid = made.st_gid != 0 ? made.st_gid : is_hosts ? edit.root_gid : above.st_gid;
    if ((uid != 0 || gid != made.st_gid) && ::lchown(path.c_str(), uid, gid) != 0) fail("chown " + path);
  }
  auto const two = edit.kind == Edit::rename || edit.kind == Edit::hard_link;
  for (auto const& touched : two ? std::vector{path, second} : std::vector{path}) {
    detail::set_time(touched, edit.time);
    detail::set_time(directory(touched), edit.time);
  }
  return said;
}

/// An edit of the tree that is mounted there.
inline Edit make_edit(Random& random, std::string item, std::string const& mount_point, std::int64_t time) {
  std::vector<std::string> directories{""}, others;
  boost::system::error_code none;
  for (auto walk = strata::fs::recursive_directory_iterator(mount_point, none);
       walk != strata::fs::recursive_directory_iterator(); walk.increment(none)) {
    auto const below = walk->path().native().substr(mount_point.size() + 1);
    (walk->symlink_status().type() == strata::fs::directory_file ? directories : others).push_back(below);
  }
  std::ranges::sort(directories);
  std::ranges::sort(others);
  auto const fresh = [&] {
    constexpr std::string_view names[] = {"new", "a", "b", "etc", "x y", "z"};
    auto const& directory = random.pick(directories);
    return (directory.empty() ? "" : directory + '/') + std::string(random.pick(names));
  };
  auto const existing = [&] {
    if (!others.empty() && random.percent(75)) return random.pick(others);
    auto const& directory = random.pick(directories);
    return directory.empty() ? fresh() : directory;
  };
  Edit edit{.item = std::move(item), .time = time};
  edit.kind = static_cast<Edit::Kind>(random.below(12));
  switch (edit.kind) {
    case Edit::write:
      edit.path = random.percent(50) ? fresh() : existing();
      edit.target = random.text("abcdefgh", random.below(40));
      break;
    case Edit::append:
      edit.path = existing();
      edit.target = random.text("xyz", 1 + random.below(9));
      break;
    case Edit::hard_link:
      edit.path = fresh();
      edit.target = existing();
      break;
    case Edit::rename:
      edit.path = existing();
      edit.target = fresh();
      break;
    case Edit::symlink:
      edit.path = fresh();
      edit.target = "to/" + random.text("abc", 3);
      break;
    case Edit::mode: {
      constexpr unsigned modes[] = {0644, 0600, 0755, 0700, 01777};
      edit.path = existing();
      edit.number = random.pick(modes);
      break;
    }
    case Edit::owner:
      edit.path = existing();
      edit.number = static_cast<unsigned>(random.below(3000));
      break;
    case Edit::attribute:
      edit.path = existing();
      edit.target = random.text("value", 4);
      break;
    case Edit::remove:
      edit.path = existing();
      break;
    case Edit::directory:
    case Edit::fifo:
    case Edit::device:
      edit.path = fresh();
      break;
  }
  return edit;
}

}  // namespace random_commands

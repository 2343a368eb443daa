#pragma once

#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/holders.hpp>

#include <algorithm>
#include <charconv>

namespace strata::sys::detail {

STRATA_INLINE std::string read_proc_link(std::string const& path) {
  std::array<char, PATH_MAX> text;
  auto const n = ::readlink(path.c_str(), text.data(), text.size());
  return n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : std::string();
}

STRATA_INLINE std::string read_proc_file(std::string const& path) {
  Fd const fd = try_open_at(AT_FDCWD, path.c_str(), O_RDONLY);
  std::string text;
  std::array<char, 16 * 1024> part;
  for (;;) {
    auto const n = fd ? retry([&] { return ::read(fd.get(), part.data(), part.size()); }) : 0;
    if (n <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(n));
  }
}

STRATA_INLINE std::uint64_t mount_namespace(std::string const& process) {
  auto const text = read_proc_link(process + "/ns/mnt");
  std::uint64_t number = 0;
  if (auto const bracket = text.find('['); bracket != std::string::npos)
    std::from_chars(text.data() + bracket + 1, text.data() + text.size(), number);
  return number;
}

STRATA_INLINE bool is_kernel_thread(std::string const& process) {
  char probe = 0;
  return ::readlink((process + "/exe").c_str(), &probe, 1) < 0 && errno == ENOENT;
}

STRATA_INLINE HeldPlace::HeldPlace(fs::path const& path) {
  boost::system::error_code error;
  path_ = fs::weakly_canonical(fs::absolute(path, error), error).native();
  struct stat status {};
  if (::lstat(path_.c_str(), &status) == 0) device_ = status.st_dev;
  for_each_mount(read_proc_file("/proc/self/mountinfo"), [&](MountEntry const& entry) {
    if (entry.point == path_) mounted_ = entry.device;
  });
}

STRATA_INLINE bool HeldPlace::has(std::string const& name, dev_t device, bool near) const {
  return (mounted_ && device == *mounted_) || (is_below(name) && (near || device == device_));
}

STRATA_INLINE bool HeldPlace::has(MountEntry const& entry) const {
  return is_below(entry.point.native()) || (mounted_ && entry.device == *mounted_);
}

STRATA_INLINE bool HeldPlace::is_below_overlay(MountEntry const& entry) const {
  for (std::string_view const key : {"upperdir=", "workdir="})
    if (auto const at = entry.super_options.find(key); at != std::string::npos) {
      auto const begin = at + key.size();
      auto const end = std::min(entry.super_options.find(',', begin), entry.super_options.size());
      if (is_below(entry.super_options.substr(begin, end - begin))) return true;
    }
  return false;
}

STRATA_INLINE bool HeldPlace::is_below(std::string const& name) const {
  return name.starts_with(path_) &&
         (name.size() == path_.size() || path_ == "/" || name[path_.size()] == '/');
}

STRATA_INLINE HolderSearch::HolderSearch(HeldPlace const& place, std::vector<Holder>& found, std::size_t most)
    : place_(place),
      found_(found),
      most_(most),
      own_namespace_(mount_namespace("/proc/self")),
      namespaces_{own_namespace_} {
  for_each_mount(read_proc_file("/proc/self/mountinfo"),
                 [&](MountEntry const& entry) { told_.insert(entry.id); });
}

STRATA_INLINE void HolderSearch::look_at_own_mounts() {
  holder_ = {.mount_namespace = own_namespace_};
  process_ = "/proc/self";
  told_.clear();
  look_at_mounts();
}

STRATA_INLINE void HolderSearch::look_at(std::string const& process, int pid) {
  holder_ = {.pid = pid, .mount_namespace = mount_namespace(process)};
  process_ = process;
  near_ = holder_.mount_namespace == own_namespace_;
  if (pid != ::getpid()) {
    look_at_link("/cwd", "its working directory");
    look_at_link("/root", "its root");
    Fd const files = try_open_at(AT_FDCWD, (process + "/fd").c_str(), O_RDONLY | O_DIRECTORY);
    if (files)
      for (auto const& file : read_directory(files.get(), process + "/fd"))
        look_at_link("/fd/" + file.name, "open: ");
    look_at_maps(read_proc_file(process + "/maps"));
  }
  if (holder_.mount_namespace == 0 || namespaces_.insert(holder_.mount_namespace).second) look_at_mounts();
}

STRATA_INLINE void HolderSearch::look_at_mounts() {
  for_each_mount(read_proc_file(process_ + "/mountinfo"), [&](MountEntry const& entry) {
    if (!told_.insert(entry.id).second) return;
    if (place_.has(entry))
      add("a mount at " + entry.point.native());
    else if (place_.is_below_overlay(entry))
      add("the upper directory of the overlay at " + entry.point.native());
  });
}

STRATA_INLINE void HolderSearch::look_at_link(std::string const& link, std::string what) {
  auto const name = read_proc_link(process_ + link);
  struct stat status {};
  if (!name.starts_with('/') || ::stat((process_ + link).c_str(), &status) != 0) return;
  if (!place_.has(name, status.st_dev, near_)) return;
  if (what.ends_with(' ')) what += name;
  add(std::move(what));
}

STRATA_INLINE void HolderSearch::look_at_maps(std::string_view text) {
  std::set<std::string_view> seen;
  while (!text.empty()) {
    auto const line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto const slash = line.find('/');
    auto const colon = line.find(':');
    if (slash == std::string_view::npos || colon == std::string_view::npos || colon < 3) continue;
    if (!seen.insert(line.substr(slash)).second) continue;
    unsigned major = 0, minor = 0;
    auto const begin = line.data() + line.rfind(' ', colon) + 1;
    std::from_chars(begin, line.data() + colon, major, 16);
    std::from_chars(line.data() + colon + 1, line.data() + slash, minor, 16);
    std::string const name(line.substr(slash));
    if (place_.has(name, makedev(major, minor), near_)) add("mapped: " + name);
  }
}

STRATA_INLINE void HolderSearch::add(std::string what) {
  if (found_.size() >= most_) return;
  if (holder_.name.empty() && holder_.pid != 0) {
    holder_.name = read_proc_file(process_ + "/comm");
    if (holder_.name.ends_with('\n')) holder_.name.pop_back();
  }
  holder_.what = std::move(what);
  found_.push_back(holder_);
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE std::vector<Holder> holders(fs::path const& path, std::size_t most) {
  std::vector<Holder> found;
  Fd const proc = try_open_at(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
  if (!proc) return found;
  detail::HeldPlace const place(path);
  detail::HolderSearch search(place, found, most);
  std::vector<int> kernel_threads;
  for (auto const& entry : read_directory(proc.get(), "/proc")) {
    int pid = 0;
    auto const end = entry.name.data() + entry.name.size();
    auto const [at, error] = std::from_chars(entry.name.data(), end, pid);
    if (error != std::errc() || at != end || found.size() >= most) continue;
    auto const process = "/proc/" + entry.name;
    if (detail::is_kernel_thread(process))
      kernel_threads.push_back(pid);
    else
      search.look_at(process, pid);
  }
  search.look_at_own_mounts();
  for (int const pid : kernel_threads)
    if (found.empty()) search.look_at("/proc/" + std::to_string(pid), pid);
  return found;
}

STRATA_INLINE std::string describe(std::vector<Holder> const& holders) {
  std::string text;
  for (auto const& holder : holders) {
    auto const in = "mount namespace " + std::to_string(holder.mount_namespace);
    text += text.empty() ? "held by " : "; ";
    if (holder.pid == 0) {
      text += holder.what + " in " + in;
      continue;
    }
    text += holder.name + " (process " + std::to_string(holder.pid);
    if (holder.mount_namespace != 0) text += ", " + in;
    text += "): " + holder.what;
  }
  return text;
}

STRATA_INLINE void throw_busy(std::string_view operation, fs::path const& path) {
  int const code = errno;
  std::string who;
  if (code == EBUSY || code == EINVAL || code == EPERM) who = describe(holders(path));
  std::string subject = std::string(operation) + ' ' + path.native();
  if (!who.empty()) subject += " (" + who + ')';
  throw Error(std::error_code(code, std::system_category()), std::move(subject), std::move(who))
      .at(path.native());
}

}  // namespace strata::sys

#pragma once

#include <strata/drivers/overlay/mount.hpp>
#include <strata/sys/process.hpp>

#include <algorithm>
#include <thread>

namespace strata::drivers::overlay::detail {

STRATA_INLINE SplitOptions split_options(std::vector<std::string> const& options) {
  SplitOptions result;
  for (auto const& option : options) {
    if (option.empty()) continue;
    auto const known = std::find_if(flag_words.begin(), flag_words.end(),
                                    [&](FlagWord const& flag) { return flag.word == option; });
    if (known == flag_words.end()) {
      result.data.push_back(option);
    } else if ((known->set & propagation_flags) != 0) {
      result.propagation = known->set;
    } else {
      result.flags = (result.flags & ~known->clear) | known->set;
    }
  }
  return result;
}

STRATA_INLINE bool is_plain(fs::path const& path) {
  return path.native().find_first_of(",:\\\"") == std::string::npos;
}

STRATA_INLINE std::string join(std::vector<std::string> const& pieces, char separator) {
  std::string text;
  for (auto const& piece : pieces) {
    if (!text.empty()) text += separator;
    text += piece;
  }
  return text;
}

STRATA_INLINE bool fits_page(std::string const& data) {
  return data.size() < static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

STRATA_INLINE void refuse_length(MountPlan const& plan) {
  throw Error(Errc::unsupported, "mount overlay " + plan.target.native() + ": more than a page for " +
                                     std::to_string(plan.lowers.size()) + " layers below");
}

STRATA_INLINE void mount_text(MountPlan const& plan, SplitOptions const& options, std::string const& data) {
  auto const& target = plan.target;
  if (!fits_page(data)) refuse_length(plan);
  if (::mount("overlay", target.c_str(), "overlay", options.flags, data.c_str()) != 0)
    sys::throw_errno("mount overlay", target);
}

STRATA_INLINE unsigned attributes_of(unsigned long flags) {
  unsigned attributes = 0;
  for (auto const& [flag, attribute] : {std::pair<unsigned long, unsigned>{MS_RDONLY, MOUNT_ATTR_RDONLY},
                                        {MS_NOSUID, MOUNT_ATTR_NOSUID},
                                        {MS_NODEV, MOUNT_ATTR_NODEV},
                                        {MS_NOEXEC, MOUNT_ATTR_NOEXEC},
                                        {MS_NOATIME, MOUNT_ATTR_NOATIME},
                                        {MS_STRICTATIME, MOUNT_ATTR_STRICTATIME},
                                        {MS_NODIRATIME, MOUNT_ATTR_NODIRATIME}})
    if ((flags & flag) != 0) attributes |= attribute;
  return attributes;
}

STRATA_INLINE FsContext::FsContext(fs::path const& target)
    : target_(target), fd_(::fsopen("overlay", FSOPEN_CLOEXEC)) {
  if (!fd_) sys::throw_errno("fsopen overlay", target_);
}

STRATA_INLINE void FsContext::set(std::string const& key, std::string const& value) {
  call(FSCONFIG_SET_STRING, key.c_str(), value.c_str(), "fsconfig " + key + ' ' + value);
}

STRATA_INLINE void FsContext::path(std::string const& key, fs::path const& path) {
  if (path.native().size() < 256 && path.native().find('\\') == std::string::npos)
    return set(key, path.native());
  held_.push_back(sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY));
  set(key, descriptor_path(held_.back()));
}

STRATA_INLINE sys::Fd FsContext::make(unsigned attributes) {
  call(FSCONFIG_CMD_CREATE, nullptr, nullptr, "mount overlay");
  sys::Fd mount(::fsmount(fd_.get(), FSMOUNT_CLOEXEC, attributes));
  if (!mount) sys::throw_errno("fsmount overlay", target_);
  return mount;
}

STRATA_INLINE void FsContext::call(fsconfig_command command, char const* key, char const* value,
                                   std::string const& what) {
  if (::fsconfig(fd_.get(), static_cast<unsigned>(command), key, value, 0) != 0)
    sys::throw_errno(what, target_);
}

STRATA_INLINE void mount_by_parameters(MountPlan const& plan, SplitOptions const& options) {
  FsContext context(plan.target);
  context.set("source", "overlay");
  for (auto const& lower : plan.lowers) context.path("lowerdir+", lower);
  for (auto const& lower : plan.data_lowers) context.path("datadir+", lower);
  if (!plan.upper.empty()) {
    context.path("upperdir", plan.upper);
    context.path("workdir", plan.work);
  }
  for (auto const& option : options.data) {
    auto const equals = option.find('=');
    if (equals == std::string::npos)
      context.flag(option.c_str());
    else
      context.set(option.substr(0, equals), option.substr(equals + 1));
  }
  if (!plan.label.empty()) context.set("context", plan.label);
  if ((options.flags & MS_RDONLY) != 0) context.flag("ro");
  if ((options.flags & MS_SYNCHRONOUS) != 0) context.flag("sync");
  if ((options.flags & MS_DIRSYNC) != 0) context.flag("dirsync");
  auto const mount = context.make(attributes_of(options.flags));
  if (::move_mount(mount.get(), "", AT_FDCWD, plan.target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    sys::throw_errno("mount overlay", plan.target);
}

STRATA_INLINE std::string options_text(MountPlan const& plan, SplitOptions const& options) {
  auto text = join(options.data, ',');
  if (!text.empty()) text.insert(text.begin(), ',');
  if (!plan.label.empty()) text += ",context=\"" + plan.label + '"';
  return text;
}

STRATA_INLINE void mount_by_descriptors(MountPlan const& plan, SplitOptions const& options) {
  std::vector<sys::Fd> held;
  auto const number = [&](fs::path const& path) {
    held.push_back(sys::open_at(AT_FDCWD, path, O_PATH | O_DIRECTORY));
    return std::to_string(held.back().get());
  };
  std::vector<std::string> numbers;
  for (auto const& lower : plan.lowers) numbers.push_back(number(lower));
  auto data = "lowerdir=" + join(numbers, ':');
  for (auto const& lower : plan.data_lowers) data += "::" + number(lower);
  if (!plan.upper.empty()) data += ",upperdir=" + number(plan.upper) + ",workdir=" + number(plan.work);
  data += options_text(plan, options);
  if (!fits_page(data)) refuse_length(plan);
  int failed = 0;
  std::thread([&] {
    if (::unshare(CLONE_FS) != 0 || ::chdir("/proc/self/fd") != 0 ||
        ::mount("overlay", plan.target.c_str(), "overlay", options.flags, data.c_str()) != 0)
      failed = errno;
  }).join();
  errno = failed;
  if (failed != 0) sys::throw_errno("mount overlay", plan.target);
}

}  // namespace strata::drivers::overlay::detail

namespace strata::drivers::overlay {

STRATA_INLINE std::string mount_data(MountPlan const& plan, std::vector<std::string> const& data_options) {
  std::vector<std::string> lowers;
  for (auto const& lower : plan.lowers) lowers.push_back(lower.native());
  auto text = "lowerdir=" + detail::join(lowers, ':');
  for (auto const& lower : plan.data_lowers) text += "::" + lower.native();
  if (!plan.upper.empty()) text += ",upperdir=" + plan.upper.native() + ",workdir=" + plan.work.native();
  return text + detail::options_text(plan, {.data = data_options});
}

STRATA_INLINE void mount_overlay(MountPlan const& plan, MountCall call) {
  auto options = detail::split_options(plan.options);
  if (plan.user_xattr) options.data.emplace_back("userxattr");
  bool plain = detail::is_plain(plan.upper) && detail::is_plain(plan.work);
  for (auto const* lowers : {&plan.lowers, &plan.data_lowers})
    for (auto const& lower : *lowers) plain = plain && detail::is_plain(lower);
  if (call == MountCall::any || call == MountCall::text) {
    auto const data = mount_data(plan, options.data);
    bool const fits = plain && detail::fits_page(data);
    call = fits || call == MountCall::text ? MountCall::text : MountCall::any;
    if (call == MountCall::text) detail::mount_text(plan, options, data);
  }
  if (call == MountCall::any || call == MountCall::parameters) {
    try {
      detail::mount_by_parameters(plan, options);
      call = MountCall::parameters;
    } catch (Error const&) {
      if (call == MountCall::parameters) throw;
      call = MountCall::descriptors;  // an older kernel, or an error that will recur
    }
  }
  if (call == MountCall::descriptors) detail::mount_by_descriptors(plan, options);
  if (options.propagation != 0 &&
      ::mount("none", plan.target.c_str(), nullptr, options.propagation, nullptr) != 0)
    sys::throw_errno("mount", plan.target);
}

STRATA_INLINE void mount_by_program(fs::path const& program, fs::path const& home, MountPlan const& plan) {
  auto const& target = plan.target.native();
  auto ended = sys::run({program.native(), "-o", mount_data(plan, plan.options), target},
                        {.directory = home, .keep_words = true});
  if (ended.succeeded()) return;
  while (ended.said.ends_with('\n')) ended.said.pop_back();
  throw Error(Errc::driver_unusable, "using mount program " + program.native() + " for " + target + ": " +
                                         (ended.said.empty() ? "" : ended.said + ": ") + ended.text());
}

}  // namespace strata::drivers::overlay

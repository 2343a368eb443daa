#pragma once

#include <strata/sys/copy_path.hpp>
#include <strata/sys/lookup.hpp>

namespace strata::sys {

STRATA_INLINE fs::path Place::shown() const {
  auto const below = inside().relative_path();
  return root.empty() ? path : below.empty() ? root : root / below;
}

STRATA_INLINE fs::path Place::inside() const {
  if (root.empty()) return path;
  return clean("/" + path.native());
}

}  // namespace strata::sys

namespace strata::sys::detail {

STRATA_INLINE OpenPlace::OpenPlace(Place place) : place_(std::move(place)) {
  if (!place_.root.empty()) root_ = open_at(AT_FDCWD, place_.root, O_PATH | O_DIRECTORY);
}

STRATA_INLINE Fd OpenPlace::try_open(fs::path const& path, int flags) const {
  if (!root_) return try_open_at(AT_FDCWD, path.empty() ? "." : path.c_str(), flags);
  auto const below = path.relative_path();
  return try_open_in_root(root_.get(), below.empty() ? "." : below.c_str(), flags);
}

STRATA_INLINE PathCopy::PathCopy(Place const& from, Place const& to, CopyPathOptions const& options)
    : from_(from),
      to_(to),
      options_(options),
      how_(how(options)),
      target_(to),
      node_(OpenPlace(from).try_open(from.inside(), O_PATH)) {
  if (!node_ || ::fstat(node_.get(), &status_) != 0) throw_errno("stat", from.shown());
}

STRATA_INLINE CopyResult PathCopy::run() const {
  if (S_ISDIR(status_.st_mode)) return copy_directory();
  if (options_.owner) options_.owner({status_.st_uid, status_.st_gid});  // before anything is created
  return copy_file();
}

STRATA_INLINE CopyResult PathCopy::copy_directory() const {
  Fd top = make_directories(to_.inside(), 0755);
  Fd const kept(retry([&] { return ::fcntl(top.get(), F_DUPFD_CLOEXEC, 0); }));
  if (!kept) throw_errno("open", to_.shown());
  TreeCopier copier(from_.shown(), to_.shown(), how_);
  auto const done = copier.copy(reopened(O_RDONLY | O_DIRECTORY), std::move(top), TreeCopier::Top::kept);
  if (options_.flush == Flush::full) flush_tree("/proc/self/fd/" + std::to_string(kept.get()));
  return done;
}

STRATA_INLINE CopyResult PathCopy::copy_file() const {
  auto path = to_.inside();
  if (to_.root.empty() && base_name(path).empty()) path /= from_.inside().filename();
  std::string const base = base_name(path);
  Fd const parent = make_directories(path.parent_path(), 0700);
  auto const old =
      find_status(parent.get(), base.empty() ? "." : base.c_str()).named([&] { return to_.shown(); });
  if (old && S_ISDIR(old->st_mode)) {
    errno = EISDIR;
    throw_errno("open", to_.shown());
  }
  bool const regular = S_ISREG(status_.st_mode);
  TreeCopier copier(from_.shown(), to_.shown().parent_path(), how_);
  auto const done = copier.copy_file(reopened(regular ? O_RDONLY : O_PATH), parent, base);
  if (options_.flush == Flush::full) {
    if (regular)
      sync_file(open_at(parent.get(), base, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).get(), to_.shown());
    if (::fsync(parent.get()) != 0 && errno != EINVAL) throw_errno("fsync", to_.shown());
  }
  return done;
}

STRATA_INLINE CopyOptions PathCopy::how(CopyPathOptions const& options) {
  return {
      .flush = options.flush,
      .control = options.control,
      .keeps_xattr =
          [](std::string_view name) noexcept {
            return is_portable_xattr(name) && name.find(".overlay.") == name.npos;
          },
      .existing = Existing::replace,
      .mounts = Mounts::enter,
      .vanished = Vanished::pass,
      .order = Order::by_name,
      .owner = options.owner,
  };
}

STRATA_INLINE Fd PathCopy::reopened(int flags) const {
  Fd fd = try_open_at(AT_FDCWD, ("/proc/self/fd/" + std::to_string(node_.get())).c_str(), flags);
  if (!fd) throw_errno("open", from_.shown());
  return fd;
}

STRATA_INLINE Fd PathCopy::make_directories(fs::path const& path, mode_t mode) const {
  return target_.make_directories(path, mode, [&](int fresh, int above, mode_t fresh_mode) {
    auto const owner = S_ISDIR(status_.st_mode) ? options_.new_directories : options_.new_parents;
    if (::fchown(fresh, owner.uid, owner.gid) != 0 || ::fchmod(fresh, fresh_mode) != 0)
      throw_errno("chown", to_.shown());
    if (options_.flush == Flush::full && ::fsync(above) != 0 && errno != EINVAL)
      throw_errno("fsync", to_.shown());
  });
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE CopyResult copy_path(Place const& from, Place const& to, CopyPathOptions const& options) {
  return detail::PathCopy(from, to, options).run();
}

}  // namespace strata::sys

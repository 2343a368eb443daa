#pragma once

#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/staging_directory.hpp>
#include <strata/sys/whole_file_lock.hpp>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace strata::sys {

STRATA_INLINE StagingDirectory StagingDirectory::create(fs::path const& root) {
  for (int attempt = 0;; ++attempt) {
    // Recovery in another process may remove an empty root until the lock file exists.
    if (::mkdir(root.c_str(), 0700) != 0 && errno != EEXIST) make_directories(root, 0700);
    StagingDirectory made(root, std::to_string(random_number()));
    made.lock_ = try_open_at(AT_FDCWD, made.lock_path_.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
    if (!made.lock_) {
      if ((errno != EEXIST && errno != ENOENT) || attempt == most_attempts)
        throw_errno("open", made.lock_path_);
      continue;
    }
    // Recovery in another process may have locked or removed the file between these two calls.
    if (!try_lock(made.lock_.get(), LockKind::exclusive) || !is_file_at(made.lock_path_, made.lock_.get())) {
      made.lock_.reset();
      if (attempt == most_attempts) throw_errno("lock", made.lock_path_);
      continue;
    }
    if (::mkdir(made.path_.c_str(), 0700) == 0) return made;
    int const code = errno;
    ::unlink(made.lock_path_.c_str());
    made.lock_.reset();
    errno = code;
    if (code != EEXIST || attempt == most_attempts) throw_errno("mkdir", made.path_);
  }
}

STRATA_INLINE std::vector<Error> StagingDirectory::recover(
    fs::path const& root, std::function<bool(StagingDirectory const&)> const& finish, Flush flush) {
  std::vector<Error> problems;
  auto const fd = find_at(root, O_RDONLY | O_DIRECTORY);
  if (fd.code() == ENOENT) return problems;
  if (!fd) fd.raise();  // for example, `root` is a file
  std::set<std::string> numbers;
  for (auto const& entry : read_directory(fd->get(), root))
    for (auto const prefix : {paths::temp_dir::lock_prefix, paths::temp_dir::directory_prefix})
      if (entry.name.starts_with(prefix)) numbers.insert(entry.name.substr(prefix.size()));
  for (auto const& number : numbers) {
    StagingDirectory found(root, number);
    try {
      // A directory without a lock file is stale. The file is created so that only one process cleans up.
      found.lock_ = open_at(AT_FDCWD, found.lock_path_, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
      // In use, or just removed by another process.
      if (try_lock(found.lock_.get(), LockKind::exclusive) &&
          is_file_at(found.lock_path_, found.lock_.get()) && (!finish || finish(found))) {
        found.outlasts_ =
            flush == Flush::full && finish && !found.notes().empty() && !keeps_order(found.path_);
        found.remove();
      }
    } catch (Error const& error) {
      problems.push_back(error);
    } catch (...) {
      found.leave();  // `finish` has not completed: a later call does it
      throw;
    }
    found.leave();
  }
  return problems;
}

STRATA_INLINE auto StagingDirectory::look(fs::path const& root) -> std::vector<Seen> {
  std::vector<Seen> found;
  auto const fd = find_at(root, O_RDONLY | O_DIRECTORY);
  if (!fd) return found;
  for (auto const& entry : read_directory(fd->get(), root)) {
    if (!entry.name.starts_with(paths::temp_dir::directory_prefix)) continue;
    StagingDirectory const one(root, entry.name.substr(paths::temp_dir::directory_prefix.size()));
    found.push_back({.path = one.path_, .in_use = is_locked(one.lock_path_), .notes = one.notes()});
  }
  return found;
}

STRATA_INLINE bool StagingDirectory::is_locked(fs::path const& path) noexcept {
  Fd const fd = try_open_stored(path.c_str(), O_NOFOLLOW);
  if (!fd) return is_transient(errno);
  return is_locked_elsewhere(fd.get());
}

STRATA_INLINE StagingDirectory& StagingDirectory::operator=(StagingDirectory&& other) noexcept {
  if (this != &other) {
    discard();
    path_ = std::move(other.path_);
    lock_path_ = std::move(other.lock_path_);
    lock_ = std::move(other.lock_);
    count_ = other.count_;
    outlasts_ = other.outlasts_;
  }
  return *this;
}

STRATA_INLINE fs::path StagingDirectory::next_addition() {
  return path_ / (std::to_string(count_++) + std::string(paths::temp_dir::addition));
}

STRATA_INLINE void StagingDirectory::note(std::string_view text) {
  constexpr std::size_t most = 200;
  auto const write = [&](std::string_view what, std::string_view part) {
    auto const name = std::to_string(count_++) + std::string(what) + std::string(part);
    static_cast<void>(open_at(AT_FDCWD, path_ / name, O_WRONLY | O_CREAT | O_EXCL, 0600));
  };
  for (; text.size() > most; text.remove_prefix(most)) write(paths::temp_dir::part, text.substr(0, most));
  write(paths::temp_dir::note, text);
}

STRATA_INLINE void StagingDirectory::keep_notes(bool elsewhere) {
  bool const in_order = keeps_order(path_);
  if (in_order && !elsewhere) return;
  sync_directory(path_);
  sync_directory(path_.parent_path());
  outlasts_ = !in_order;
}

STRATA_INLINE std::vector<std::string> StagingDirectory::notes() const {
  std::multimap<std::size_t, std::string> notes;
  std::map<std::size_t, std::string> parts;
  auto const fd = find_at(path_, O_RDONLY | O_DIRECTORY);
  if (!fd) return {};
  for (auto const& entry : read_directory(fd->get(), path_)) {
    std::size_t number = 0;
    auto const [rest, error] =
        std::from_chars(entry.name.data(), entry.name.data() + entry.name.size(), number);
    std::string_view const text(rest);
    if (error == std::errc() && text.starts_with(paths::temp_dir::note))
      notes.emplace(number, text.substr(paths::temp_dir::note.size()));
    else if (error == std::errc() && text.starts_with(paths::temp_dir::part))
      parts.emplace(number, text.substr(paths::temp_dir::part.size()));
  }
  std::vector<std::string> texts;
  for (auto& [number, text] : notes) {
    auto before = number;
    while (before != 0 && parts.contains(before - 1)) text.insert(0, parts.at(--before));
    texts.push_back(std::move(text));
  }
  return texts;
}

STRATA_INLINE bool StagingDirectory::take(fs::path const& source, Flush flush) {
  std::string name = std::to_string(count_++) + '-' + source.filename().native();
  if (name.size() > 255) name.resize(255);
  struct stat status {};
  if (::lstat(source.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENAMETOOLONG) return false;
    throw_errno("stat", source);
  }
  if (S_ISDIR(status.st_mode)) unmount_below(source);
  if (::rename(source.c_str(), (path_ / name).c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  if (errno == EXDEV) {
    bool const removed = remove_tree(source);
    if (flush == Flush::full) sync_directory(directory_of(source));  // another process may have removed it
    return removed;
  }
  throw_busy("rename", source);
}

STRATA_INLINE void StagingDirectory::remove() {
  if (!lock_) return;
  if (outlasts_) flush_file_system(path_);
  remove_tree(path_);
  if (::unlink(lock_path_.c_str()) != 0 && errno != ENOENT) throw_errno("unlink", lock_path_);
  lock_.reset();  // after the unlink: a process that locks it from now on sees that the name is gone
}

STRATA_INLINE StagingDirectory::StagingDirectory(fs::path const& root, std::string const& number)
    : path_(root / (std::string(paths::temp_dir::directory_prefix) + number)),
      lock_path_(root / (std::string(paths::temp_dir::lock_prefix) + number)) {}

STRATA_INLINE bool StagingDirectory::keeps_order(fs::path const& path) {
  struct statfs system {};
  if (retry([&] { return ::statfs(path.c_str(), &system); }) != 0) throw_errno("statfs", path);
  std::array<std::uint64_t, 3> const known{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC};
  return std::find(known.begin(), known.end(), static_cast<std::uint64_t>(system.f_type)) != known.end();
}

STRATA_INLINE void StagingDirectory::discard() noexcept {
  try {
    remove();
  } catch (std::exception const&) {
    lock_.reset();
  }
}

}  // namespace strata::sys

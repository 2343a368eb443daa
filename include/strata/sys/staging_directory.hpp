#pragma once

#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/holders.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <linux/magic.h>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// A staging directory: `temp-dir-<n>` for files being built or deleted, with the file `lock-<n>` beside it,
/// which the owner keeps locked. This is the protocol of containers/storage 1.59 and later, by which any
/// program may remove the staging directories of dead processes, whichever program made them. The destructor
/// removes the directory. Movable; not safe for concurrent use.
///
/// The lock is an open-file-description lock. It conflicts with the POSIX locks of the Go programs and with
/// other objects of this process. A child forked without exec keeps it as long as it has the descriptor.
///
///     auto staging = sys::StagingDirectory::create(root);
///     auto const built = staging.next_addition();  // create it, fill it, then rename it into place
class [[nodiscard]] StagingDirectory {
 public:
  /// Creates one below `root`, which is created with mode 0700 if missing.
  /// @throws `errno`, "open <path>", "lock <path>", "mkdir <path>"
  static StagingDirectory create(fs::path const& root) {
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
      if (!try_lock(made.lock_.get()) || !names_it(made.lock_path_, made.lock_.get())) {
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

  /// Removes the staging directories of dead processes. Those in use and all other names are left alone.
  ///
  /// @param finish called with each directory, locked, before its removal; if it returns false, the directory
  ///   is kept for a later call
  /// @param flush  `none`: what intent records told need not be on stable storage before they are removed
  /// @return the directories that could not be finished or removed, with the reason; a failure does not
  ///   affect the others
  /// @throws `errno`, if `root` cannot be read; a missing root is not an error. Whatever `finish` throws
  ///   other than `Error`
  static std::vector<Error> recover(fs::path const& root,
                                    std::function<bool(StagingDirectory const&)> const& finish = {},
                                    Flush flush = Flush::full) {
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
        if (try_lock(found.lock_.get()) && names_it(found.lock_path_, found.lock_.get()) &&
            (!finish || finish(found))) {
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

  /// A staging directory as seen by `look`.
  struct Seen {
    fs::path path;
    bool in_use = false;  ///< its owner is alive
    std::vector<std::string> notes = {};
  };

  /// Lists all below `root` without changing or locking anything.
  /// @throws `errno`, "open <path>"
  static std::vector<Seen> look(fs::path const& root) {
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

  /// True if another open file description or process holds a lock on the file, or if that cannot be
  /// determined.
  static bool is_locked(fs::path const& path) noexcept {
    Fd const fd = try_open_stored(path.c_str(), O_NOFOLLOW);
    if (!fd) return is_transient(errno);
    struct flock lock {};  // zeros: the whole file, from its start
    lock.l_type = F_WRLCK;
    return retry([&] { return ::fcntl(fd.get(), F_OFD_GETLK, &lock); }) == 0 && lock.l_type != F_UNLCK;
  }

  StagingDirectory(StagingDirectory&&) noexcept = default;
  StagingDirectory& operator=(StagingDirectory&& other) noexcept {
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
  /// Removes the directory. What cannot be removed is left unlocked, for a later `recover`.
  ~StagingDirectory() { discard(); }

  fs::path const& path() const noexcept { return path_; }
  /// False once it has been removed or moved from.
  explicit operator bool() const noexcept { return static_cast<bool>(lock_); }

  /// Returns an unused name `<k>-addition` for something to build. Creates nothing; the result is renamed out
  /// when complete.
  fs::path next_addition() {
    return path_ / (std::to_string(count_++) + std::string(paths::temp_dir::addition));
  }

  /// Writes an intent record, which tells `recover` what to finish if this process dies: an empty file
  /// `<k>-note-<text>`. A text too long for one file name begins in preceding files `<k>-part-<text>` with
  /// consecutive numbers; the record counts once its last file exists.
  /// @param text may contain any character that is allowed in file names
  void note(std::string_view text) {
    constexpr std::size_t most = 200;
    auto const write = [&](std::string_view what, std::string_view part) {
      auto const name = std::to_string(count_++) + std::string(what) + std::string(part);
      static_cast<void>(open_at(AT_FDCWD, path_ / name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    };
    for (; text.size() > most; text.remove_prefix(most)) write(paths::temp_dir::part, text.substr(0, most));
    write(paths::temp_dir::note, text);
  }

  /// Flushes the intent records. From now on they are removed only after the changes that they describe are
  /// on stable storage. Does nothing on file systems that persist directory changes in order, if the changes are
  /// on the same one.
  /// @param elsewhere  some of the changes are on another file system, or may be
  /// @throws `errno`, "fsync <path>"
  void keep_notes(bool elsewhere = false) {
    outlasts_ = !keeps_order(path_);
    if (!outlasts_ && !elsewhere) return;
    sync_directory(path_);
    sync_directory(path_.parent_path());
  }

  /// All intent records, in the order written.
  /// @throws `errno`, "open <path>"
  std::vector<std::string> notes() const {
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

  /// Unlocks the directory and keeps its contents, as if this process had died: a later `recover` finds it.
  void leave() noexcept { lock_.reset(); }

  /// Moves a file or directory in, to be deleted, as `<k>-<its name>`. First detaches the mounts on and below
  /// it. What cannot be renamed to here (EXDEV: another file system or project quota) is deleted in place.
  /// @return false if it does not exist
  /// @throws `errno`, "rename <path>"; EBUSY with its holders
  bool take(fs::path const& source) {
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
    if (errno == EXDEV) return remove_tree(source);
    throw_busy("rename", source);
  }

  /// Deletes the directory and its contents, then the lock file. If it throws, the rest still exists and is
  /// locked; the call may be repeated.
  void remove() {
    if (!lock_) return;
    if (outlasts_) flush_file_system(path_);
    remove_tree(path_);
    if (::unlink(lock_path_.c_str()) != 0 && errno != ENOENT) throw_errno("unlink", lock_path_);
    lock_.reset();  // after the unlink: a process that locks it from now on sees that the name is gone
  }

 private:
  static constexpr int most_attempts = 1000;

  StagingDirectory(fs::path const& root, std::string const& number)
      : path_(root / (std::string(paths::temp_dir::directory_prefix) + number)),
        lock_path_(root / (std::string(paths::temp_dir::lock_prefix) + number)) {}

  /// True if directory changes reach the device in order. The journals of ext4 and XFS ensure that; btrfs
  /// persists an fsync'ed change without earlier ones.
  static bool keeps_order(fs::path const& path) {
    struct statfs system {};
    if (retry([&] { return ::statfs(path.c_str(), &system); }) != 0) throw_errno("statfs", path);
    std::array<std::uint64_t, 3> const known{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, TMPFS_MAGIC};
    return std::find(known.begin(), known.end(), static_cast<std::uint64_t>(system.f_type)) != known.end();
  }

  static bool try_lock(int fd) noexcept {
    struct flock lock {};  // zeros: the whole file, from its start
    lock.l_type = F_WRLCK;
    return retry([&] { return ::fcntl(fd, F_OFD_SETLK, &lock); }) == 0;
  }

  /// True if the path still refers to the open file.
  static bool names_it(fs::path const& path, int fd) noexcept {
    struct stat named {
    }, open{};
    if (::fstat(fd, &open) != 0 || ::lstat(path.c_str(), &named) != 0) return false;
    return named.st_dev == open.st_dev && named.st_ino == open.st_ino;
  }

  void discard() noexcept {
    try {
      remove();
    } catch (std::exception const&) {
      lock_.reset();
    }
  }

  fs::path path_;
  fs::path lock_path_;
  Fd lock_;
  std::uint64_t count_ = 0;
  bool outlasts_ = false;  ///< the intent records must outlast the changes they describe
};

}  // namespace strata::sys

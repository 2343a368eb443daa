#pragma once

#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/workers.hpp>
#include <strata/sys/xattr.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::sys {

/// Options of `chown_tree`.
struct ChownOptions {
  std::function<FileOwner(FileOwner)> owner;  ///< maps the old owner to the new one; called concurrently
  /// For an overlay, where each name of a file is copied up separately: re-create the second and later names
  /// as links to the first. Elsewhere the inode is changed once.
  bool relink = false;
  Control control = {};
};

namespace detail {

class TreeChowner {
 public:
  TreeChowner(fs::path const& top, ChownOptions const& options) : top_(top), options_(options) {}

  std::uint64_t run() {
    auto const threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 8);
    // Hard links are collected first, so that no two threads change one inode.
    std::map<std::pair<dev_t, ino_t>, Links> links;
    {
      Workers<Batch> workers(threads, 2 * threads, [this](Batch& batch) { change(batch); });
      Batch batch;
      auto const hand_out = [&] {
        if (!batch.entries.empty()) workers.add(std::exchange(batch, {}));
      };
      walk(top_, [&](Visited const& visited) {
        options_.control.check();
        ++met_;
        report_if_due();
        auto const& status = visited.status;
        if (!S_ISDIR(status.st_mode) && status.st_nlink > 1) {
          auto& group = links[{status.st_dev, status.st_ino}];
          group.status = status;
          group.names.push_back(visited.path);
          return;
        }
        auto const slash = visited.path.rfind('/');
        auto const parent = std::string_view(visited.path).substr(0, slash == visited.path.npos ? 0 : slash);
        if (parent != batch.parent || batch.entries.size() == most_entries) hand_out();
        if (batch.entries.empty()) {
          batch.parent = parent;
          batch.directory = Fd(retry([&] { return ::fcntl(visited.directory, F_DUPFD_CLOEXEC, 0); }));
          if (!batch.directory) throw_errno("open", path(visited.path));
        }
        batch.entries.push_back({visited.name, status});
      });
      hand_out();
      workers.finish();
    }
    if (!links.empty()) change_links(links, threads);
    report();
    return changed_;
  }

 private:
  static constexpr std::size_t most_entries = 64;

  struct Entry {
    std::string name;
    struct stat status {};
  };
  struct Batch {
    std::string parent = {};  ///< relative to the top
    Fd directory = {};
    std::vector<Entry> entries = {};
  };
  struct Links {
    struct stat status {};
    std::vector<std::string> names = {};
  };

  fs::path path(std::string_view below) const { return top_ / below; }

  void change(Batch const& batch) {
    for (auto const& [name, status] : batch.entries) {
      auto const where = [&, &entry = name] {
        return path(batch.parent.empty() ? entry : batch.parent + '/' + entry);
      };
      change(batch.directory.get(), name, status, where);
    }
  }

  /// Changes one owner and restores the set-user-ID bits and capabilities that the change clears.
  template <class Where>
  bool change(int directory, std::string const& name, struct stat const& status, Where const& where) {
    FileOwner const old{status.st_uid, status.st_gid};
    FileOwner const now = options_.owner(old);
    if (now == old) return false;
    auto const proc = "/proc/self/fd/" + std::to_string(directory) + '/' + name;
    std::optional<std::string> capability;
    if (S_ISREG(status.st_mode)) capability = get_xattr(proc, "security.capability");
    if (::fchownat(directory, name.c_str(), now.uid, now.gid, AT_SYMLINK_NOFOLLOW) != 0)
      throw_errno("chown", where());
    if (!S_ISLNK(status.st_mode) && (status.st_mode & (S_ISUID | S_ISGID)) != 0 &&
        ::fchmodat(directory, name.c_str(), status.st_mode & 07777U, 0) != 0)
      throw_errno("chmod", where());
    if (capability) set_xattr(proc, "security.capability", *capability);
    ++changed_;
    return true;
  }

  /// Opens the parent of a path below the top; returns it with the last component.
  std::pair<Fd, std::string> enter(std::string_view below) const {
    Fd at = open_at(AT_FDCWD, top_, O_PATH | O_DIRECTORY);
    for (auto slash = below.find('/'); slash != below.npos; slash = below.find('/')) {
      Fd next = try_open_at(at.get(), std::string(below.substr(0, slash)).c_str(),
                            O_PATH | O_DIRECTORY | O_NOFOLLOW);
      if (!next) throw_errno("open", path(below));
      at = std::move(next);
      below.remove_prefix(slash + 1);
    }
    return {std::move(at), std::string(below)};
  }

  void change_links(std::map<std::pair<dev_t, ino_t>, Links>& links, std::size_t threads) {
    // Re-creating links changes the times of their directories.
    std::map<std::string, struct stat> directories;
    if (options_.relink)
      for (auto const& [inode, group] : links)
        for (auto const& name : group.names) {
          auto const slash = name.rfind('/');
          auto const parent = slash == name.npos ? std::string() : name.substr(0, slash);
          auto const [at, is_new] = directories.try_emplace(parent);
          if (!is_new) continue;
          if (auto const status = find_status(path(parent)))
            at->second = *status;
          else
            directories.erase(at);
        }
    Workers<Links*> workers(threads, 2 * threads, [this](Links*& group) { change(*group); });
    for (auto& [inode, group] : links) {
      options_.control.check();
      workers.add(&group);
    }
    workers.finish();
    for (auto const& [name, status] : directories) {
      timespec const times[2] = {status.st_atim, status.st_mtim};
      if (::utimensat(AT_FDCWD, path(name).c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
        throw_errno("utimens", path(name));
    }
  }

  void change(Links const& group) {
    auto const& first = group.names.front();
    auto const [directory, base] = enter(first);
    if (!change(directory.get(), base, group.status, [&] { return path(first); }) || !options_.relink) return;
    for (auto name = group.names.begin() + 1; name != group.names.end(); ++name) {
      auto const [other, other_base] = enter(*name);
      if (::unlinkat(other.get(), other_base.c_str(), 0) != 0) throw_errno("unlink", path(*name));
      if (::linkat(directory.get(), base.c_str(), other.get(), other_base.c_str(), 0) != 0)
        throw_errno("link", path(*name));
    }
  }

  void report_if_due() {
    if (options_.control.progress && pace_.is_due()) report();
  }
  void report() const {
    if (!options_.control.progress) return;
    options_.control.progress({.phase = Phase::change_owners, .bytes = 0, .entries = met_});
  }

  fs::path const& top_;
  ChownOptions const& options_;
  std::uint64_t met_ = 0;
  std::atomic<std::uint64_t> changed_ = 0;
  Pace pace_;
};

}  // namespace detail

/// Changes the owners of everything in a directory, except its own, on several threads. Preserves modes,
/// capabilities and hard links; does not enter mounts. The tree must not be in use.
/// @return number of files changed, each inode once
/// @throws `errno`, "<call> <path>"; `Errc::stopped`; exceptions of `owner`. Part of the tree is then changed
inline std::uint64_t chown_tree(fs::path const& top, ChownOptions const& options) {
  return detail::TreeChowner(top, options).run();
}

}  // namespace strata::sys

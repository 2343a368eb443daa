#pragma once

#include <strata/sys/chown_tree.hpp>
#include <strata/sys/lookup.hpp>
#include <strata/sys/tree.hpp>
#include <strata/sys/workers.hpp>

#include <algorithm>
#include <thread>

namespace strata::sys::detail {

STRATA_INLINE std::uint64_t TreeChowner::run() {
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

STRATA_INLINE void TreeChowner::change(Batch const& batch) {
  for (auto const& [name, status] : batch.entries) {
    auto const where = [&, &entry = name] {
      return path(batch.parent.empty() ? entry : batch.parent + '/' + entry);
    };
    change(batch.directory.get(), name, status, where);
  }
}

STRATA_INLINE std::pair<Fd, std::string> TreeChowner::enter(std::string_view below) const {
  Fd at = open_at(AT_FDCWD, top_, O_PATH | O_DIRECTORY);
  for (auto slash = below.find('/'); slash != below.npos; slash = below.find('/')) {
    Fd next =
        try_open_at(at.get(), std::string(below.substr(0, slash)).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (!next) throw_errno("open", path(below));
    at = std::move(next);
    below.remove_prefix(slash + 1);
  }
  return {std::move(at), std::string(below)};
}

STRATA_INLINE void TreeChowner::change_links(std::map<std::pair<dev_t, ino_t>, Links>& links,
                                             std::size_t threads) {
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

STRATA_INLINE void TreeChowner::change(Links const& group) {
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

STRATA_INLINE void TreeChowner::report_if_due() {
  if (options_.control.progress && pace_.is_due()) report();
}

STRATA_INLINE void TreeChowner::report() const {
  if (!options_.control.progress) return;
  options_.control.progress({.phase = Phase::change_owners, .bytes = 0, .entries = met_});
}

}  // namespace strata::sys::detail

namespace strata::sys {

STRATA_INLINE std::uint64_t chown_tree(fs::path const& top, ChownOptions const& options) {
  return detail::TreeChowner(top, options).run();
}

}  // namespace strata::sys

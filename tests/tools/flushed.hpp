#pragma once

#include <strata/fs.hpp>

#include "syscall_tracer.hpp"
#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <vector>

namespace tools {

/// The files and directories that `work` flushes, in order, as the kernel calls them; for a whole file system what it was
/// told by. It runs in a child process.
inline std::vector<strata::fs::path> flushed_by(std::function<void()> const& work) {
  std::vector<strata::fs::path> flushed;
  std::array const calls{SYS_fsync, SYS_fdatasync, SYS_syncfs};
  auto const outcome = trace(
      [&] {
        work();
        return 0;
      },
      calls,
      [&](SystemCall const& call) {
        flushed.push_back(strata::fs::read_symlink("/proc/" + std::to_string(call.thread) + "/fd/" +
                                                   std::to_string(call.arguments[0])));
        return Decision{};
      });
  if (!outcome.ended_well()) throw std::runtime_error("the work whose flushes are looked at failed");
  return flushed;
}

/// Where a path is among these; their number if it is not.
inline std::size_t place_of(strata::fs::path const& path, std::vector<strata::fs::path> const& flushed) {
  auto const wanted = strata::fs::canonical(path.parent_path()) / path.filename();
  return static_cast<std::size_t>(std::ranges::find(flushed, wanted) - flushed.begin());
}

inline bool flushes(strata::fs::path const& path, std::function<void()> const& work) {
  auto const flushed = flushed_by(work);
  return place_of(path, flushed) != flushed.size();
}

}  // namespace tools

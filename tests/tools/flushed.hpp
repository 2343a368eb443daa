#pragma once

#include <strata/fs.hpp>

#include "syscall_tracer.hpp"
#include <algorithm>
#include <array>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/syscall.h>
#include <vector>

namespace tools {

/// The files and directories that `work` flushes, each by fsync(2) or fdatasync(2). It runs in a child process.
inline std::vector<strata::fs::path> flushed_by(std::function<void()> const& work) {
  std::vector<strata::fs::path> flushed;
  std::array const calls{SYS_fsync, SYS_fdatasync};
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

/// True if `path` is among those.
inline bool flushes(strata::fs::path const& path, std::function<void()> const& work) {
  auto const flushed = flushed_by(work);
  return std::ranges::find(flushed, path) != flushed.end();
}

}  // namespace tools

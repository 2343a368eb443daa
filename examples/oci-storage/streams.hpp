#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/sys/stream.hpp>

#include "output.hpp"
#include <cstdint>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

/// `--file`, or else the standard streams.
namespace oci_storage {

struct Input {
  strata::Source source;
  std::optional<std::uint64_t> size = {};  ///< in bytes, of a regular file
};

inline Input open_input(std::string const& file) {
  struct stat about {};
  if (file.empty()) {
    Input out{strata::fd_source(STDIN_FILENO)};
    if (::fstat(STDIN_FILENO, &about) == 0 && S_ISREG(about.st_mode))
      out.size = static_cast<std::uint64_t>(about.st_size);
    return out;
  }
  Input out{strata::file_source(file)};
  if (::stat(file.c_str(), &about) == 0 && S_ISREG(about.st_mode))
    out.size = static_cast<std::uint64_t>(about.st_size);
  return out;
}

/// The file is made, or emptied, at once. A pipe is enlarged where that is allowed, so that its ends wait for each other
/// less often.
inline strata::Sink open_output(std::string const& file) {
  constexpr int pipe_size = 1 << 18;  // bytes
  flush_output();
  if (file.empty() && ::fcntl(STDOUT_FILENO, F_GETPIPE_SZ) < pipe_size)
    ::fcntl(STDOUT_FILENO, F_SETPIPE_SZ, pipe_size);
  return file.empty() ? strata::fd_sink(STDOUT_FILENO) : strata::file_sink(file);
}

inline std::string read_all(strata::Source source) {
  std::string out;
  for (auto bytes = source.next(); !bytes.empty(); bytes = source.next()) out += strata::as_text(bytes);
  return out;
}

}  // namespace oci_storage

#pragma once

#include <strata/fs.hpp>

#include "program.hpp"
#include <charconv>
#include <cstddef>
#include <linux/fs.h>
#include <map>
#include <string>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <utility>
#include <vector>

namespace fault_injection {

/// Where and how a program is made to fail.
struct Point {
  tools::SyscallKind const* kind = nullptr;
  std::size_t nth = 1;  ///< of the calls of this kind
  tools::InjectedError const* error = nullptr;
  bool sticky = false;  ///< from there on every call fails that can give the error, but for what tells of it

  /// As `parse` reads it.
  std::string text() const {
    return std::string(kind->name) + ':' + std::to_string(nth) + ':' + std::string(error->name) +
           (sticky ? ":sticky" : "");
  }
  static Point parse(std::string_view text) {
    std::vector<std::string_view> parts;
    for (std::size_t at = 0; at <= text.size();) {
      auto const end = std::min(text.find(':', at), text.size());
      parts.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    Point out;
    if (parts.size() >= 3) {
      out = {.kind = tools::find_kind(parts[0]),
             .error = tools::find_error(parts[2]),
             .sticky = parts.size() > 3};
      std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), out.nth);
    }
    if (out.kind == nullptr || out.error == nullptr)
      throw std::invalid_argument("no point: " + std::string(text) + "; KIND:NTH:ERROR[:sticky] is one");
    return out;
  }
};

/// What a call can fail with; 0: it is of no interest. Some kinds do several things, their arguments say which.
inline unsigned errors_of(tools::SyscallKind const& kind, tools::SystemCall const& call) {
  auto const& argument = call.arguments;
  switch (kind.number) {
    case SYS_mmap:
      return (argument[3] & MAP_ANONYMOUS) != 0 ? 0U : kind.errors;
    case SYS_write:
    case SYS_writev:
      return argument[0] == 2 ? 0U : kind.errors;
    case SYS_ioctl: {
      auto const type = argument[1] >> 8 & 0xff;
      bool const changes = type == 0x94 || argument[1] == FS_IOC_FSSETXATTR || argument[1] == FS_IOC_SETFLAGS;
      return changes ? kind.errors : 0U;
    }
    case SYS_fcntl: {
      auto const what = argument[1];
      if (what == F_DUPFD || what == F_DUPFD_CLOEXEC) return tools::descriptors;
      bool const locks = what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK || what == F_OFD_SETLKW;
      return locks ? kind.errors : 0U;
    }
    case SYS_open:
    case SYS_openat:
    case SYS_openat2:
      return kind.errors | ((call.open_flags() & O_CREAT) != 0 ? unsigned{tools::space} : 0U);
    default:
      return kind.errors;
  }
}

/// A call that a program made.
struct Seen {
  tools::SyscallKind const* kind;
  std::size_t nth;
  unsigned errors;
  bool mutates;
  std::string what;  ///< its path or file, for reading

  /// Whether it opens or changes something, rather than only looks.
  bool changes_or_opens() const { return mutates || (errors & tools::descriptors) != 0; }
};

namespace detail {

inline std::string file_of(tools::SyscallKind const& kind, tools::SystemCall const& call) {
  if (kind.path < 0) {
    boost::system::error_code none;
    auto const link = "/proc/" + std::to_string(call.thread) + "/fd/" + std::to_string(call.arguments[0]);
    return strata::fs::read_symlink(link, none).native();
  }
  std::string out(256, '\0');
  iovec to{.iov_base = out.data(), .iov_len = out.size()};
  iovec from{.iov_base = reinterpret_cast<void*>(call.arguments[static_cast<std::size_t>(kind.path)]),
             .iov_len = out.size()};
  auto const n = ::process_vm_readv(call.thread, &to, 1, &from, 1, 0);
  out.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return out.substr(0, out.find('\0'));
}

}  // namespace detail

/// Notes what a program calls.
class Recorder {
 public:
  tools::Decision operator()(tools::SystemCall const& call) {
    auto const* kind = tools::find_kind(call.number);
    auto const errors = kind == nullptr ? 0U : errors_of(*kind, call);
    if (errors == 0) return {};
    bool const mutates = kind->mutates || (errors & tools::space) != 0;
    seen.push_back({kind, ++counts_[kind], errors, mutates, detail::file_of(*kind, call)});
    return {};
  }

  std::vector<Seen> seen = {};

 private:
  std::map<tools::SyscallKind const*, std::size_t> counts_ = {};
};

/// Makes a program fail at a point.
class Injector {
 public:
  explicit Injector(Point point) : point_(point) {}

  tools::Decision operator()(tools::SystemCall const& call) {
    auto const* kind = tools::find_kind(call.number);
    auto const errors = kind == nullptr ? 0U : errors_of(*kind, call);
    if (errors == 0) return {};
    if (kind == point_.kind && ++count_ == point_.nth) {
      what = detail::file_of(*kind, call);
      reached = true;
      return {.error = point_.error->number};
    }
    bool const says_so = kind->number == SYS_write && call.arguments[0] <= 2;
    bool const fails = reached && point_.sticky && !says_so && (errors & point_.error->flag) != 0;
    return {.error = fails ? point_.error->number : 0};
  }

  bool reached = false;
  std::string what = {};  ///< path or file of the first call that failed

 private:
  Point point_;
  std::size_t count_ = 0;
};

/// Every point of a program that makes these calls.
/// @param looks  those that only look as well
inline std::vector<Point> points_of(std::vector<Seen> const& seen, bool looks) {
  std::vector<Point> out;
  for (auto const& call : seen)
    if (looks || call.changes_or_opens())
      for (auto const& error : tools::injected_errors)
        if ((call.errors & error.flag) != 0) {
          out.push_back({call.kind, call.nth, &error, false});
          // what is interrupted each time it is tried never ends
          if (error.number != EINTR) out.push_back({call.kind, call.nth, &error, true});
        }
  return out;
}

}  // namespace fault_injection

#pragma once

#include "write_cache.hpp"
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <linux/falloc.h>
#include <linux/fuse.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace crash_recovery {

/// Serves a write cache as a file by the kernel's FUSE protocol (linux/fuse.h), of which a single file needs little.
class BlockFileServer {
 public:
  BlockFileServer(int fuse, int orders, WriteCache& cache) : fuse_(fuse), orders_(orders), cache_(cache) {}

  /// Until the file is unmounted, or nobody is left who could give orders.
  void run() {
    std::vector<char> request(std::size_t{FUSE_MIN_READ_BUFFER} + most_bytes);
    for (;;) {
      std::array<pollfd, 2> wait{{{fuse_, POLLIN, 0}, {orders_, POLLIN, 0}}};
      if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return;
      if (wait[1].revents != 0 && !obey()) return;
      if (wait[0].revents == 0) continue;
      auto const n = ::read(fuse_, request.data(), request.size());
      if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
      if (n < static_cast<ssize_t>(sizeof(fuse_in_header))) return;
      answer({request.data(), static_cast<std::size_t>(n)});
    }
  }

 private:
  static constexpr std::uint32_t most_bytes = 1U << 20U;

  template <class T>
  static T take(std::string_view& from) {
    T value{};
    std::memcpy(&value, from.data(), std::min(sizeof value, from.size()));
    from.remove_prefix(std::min(sizeof value, from.size()));
    return value;
  }
  template <class T>
  static std::string_view bytes_of(T const& value) {
    return {reinterpret_cast<char const*>(&value), sizeof value};
  }

  /// "SEED PATH": copy what a cut would leave.
  bool obey() {
    std::array<char, 5000> text{};
    auto const n = ::read(orders_, text.data(), text.size() - 1);
    if (n <= 0) return false;
    char* rest = nullptr;
    auto const seed = std::strtoull(text.data(), &rest, 10);
    cache_.cut(rest + 1, seed);
    return ::write(orders_, "", 1) == 1;
  }

  void answer(std::string_view request) {
    auto const header = take<fuse_in_header>(request);
    switch (header.opcode) {
      case FUSE_INIT: {
        auto const in = take<fuse_init_in>(request);
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = std::min<std::uint32_t>(in.minor, 31);
        out.max_readahead = in.max_readahead;
        out.flags = in.flags & (FUSE_BIG_WRITES | FUSE_MAX_PAGES);
        out.max_background = 16;
        out.congestion_threshold = 12;
        out.max_write = most_bytes;
        out.time_gran = 1;
        out.max_pages = most_bytes / 4096;
        return reply(header, 0, bytes_of(out));
      }
      case FUSE_GETATTR:
      case FUSE_SETATTR: {
        fuse_attr_out out{};
        out.attr_valid = 3600;
        out.attr.ino = 1;
        out.attr.size = cache_.size();
        out.attr.blocks = out.attr.size / 512;
        out.attr.mode = S_IFREG | 0600;
        out.attr.nlink = 1;
        out.attr.blksize = 4096;
        return reply(header, 0, bytes_of(out));
      }
      case FUSE_OPEN:
        return reply(header, 0, bytes_of(fuse_open_out{}));
      case FUSE_READ: {
        auto const in = take<fuse_read_in>(request);
        return reply(header, 0, cache_.read(in.offset, in.size));
      }
      case FUSE_WRITE: {
        auto const in = take<fuse_write_in>(request);
        cache_.write(in.offset, request.substr(0, in.size));
        fuse_write_out out{};
        out.size = in.size;
        return reply(header, 0, bytes_of(out));
      }
      case FUSE_FALLOCATE: {  // what is discarded reads as zeros
        auto const in = take<fuse_fallocate_in>(request);
        if ((in.mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == 0)
          return reply(header, -EOPNOTSUPP, {});
        std::string const zeros(std::min<std::uint64_t>(in.length, most_bytes), '\0');
        for (std::uint64_t done = 0; done < in.length; done += zeros.size())
          cache_.write(in.offset + done, std::string_view(zeros).substr(
                                             0, std::min<std::uint64_t>(zeros.size(), in.length - done)));
        return reply(header, 0, {});
      }
      case FUSE_FSYNC:
        cache_.flush();
        return reply(header, 0, {});
      case FUSE_FLUSH:
      case FUSE_RELEASE:
        return reply(header, 0, {});
      case FUSE_STATFS:
        return reply(header, 0, bytes_of(fuse_statfs_out{}));
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT:
        return;
      default:
        return reply(header, -ENOSYS, {});
    }
  }

  void reply(fuse_in_header const& to, int error, std::string_view bytes) const {
    fuse_out_header header{};
    header.unique = to.unique;
    header.error = error;
    header.len = static_cast<std::uint32_t>(sizeof header + bytes.size());
    std::string out(bytes_of(header));
    out += bytes;
    static_cast<void>(::write(fuse_, out.data(), out.size()) < 0);  // who asked may be gone
  }

  int fuse_;
  int orders_;
  WriteCache& cache_;
};

}  // namespace crash_recovery

#pragma once

#include <strata/fs.hpp>

#include "disk.hpp"
#include "random_commands/random.hpp"
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace crash_recovery {

/// What a device does with the writes that it is given: they are in its cache until it is told to flush.
class WriteCache {
 public:
  /// @param shown   a file with all that was written
  /// @param stored  one with what was flushed
  WriteCache(strata::fs::path const& shown, strata::fs::path const& stored)
      : stored_path_(stored),
        shown_(::open(shown.c_str(), O_RDWR | O_CLOEXEC), "open " + shown.native()),
        stored_(::open(stored.c_str(), O_RDWR | O_CLOEXEC), "open " + stored.native()) {}

  std::uint64_t size() const {
    struct stat status {};
    return ::fstat(shown_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  }
  std::string read(std::uint64_t at, std::size_t size) const {
    std::string bytes(size, '\0');
    auto const n = ::pread(shown_.get(), bytes.data(), size, static_cast<off_t>(at));
    bytes.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return bytes;
  }
  void write(std::uint64_t at, std::string_view bytes) {
    put(shown_.get(), at, bytes);
    cached_.push_back({at, std::string(bytes)});
  }
  void flush() {
    for (auto const& one : cached_) put(stored_.get(), one.at, one.bytes);
    cached_.clear();
  }
  /// What was flushed, and some of the rest: any of it, up to one write, which may be torn between two sectors.
  void cut(strata::fs::path const& to, std::uint64_t seed) const {
    share_copy(stored_path_, to);
    Descriptor const file(::open(to.c_str(), O_RDWR | O_CLOEXEC), "open " + to.native());
    random_commands::Random random(seed);
    constexpr unsigned chances[] = {0, 10, 50, 90, 100};
    auto const kept = random.pick(chances);
    for (auto const& one : cached_) {
      if (!random.percent(kept)) continue;
      auto const sectors = one.bytes.size() / 512;
      auto const size = random.percent(10) ? random.below(sectors + 1) * 512 : one.bytes.size();
      put(file.get(), one.at, std::string_view(one.bytes).substr(0, size));
    }
  }

 private:
  struct Write {
    std::uint64_t at = 0;
    std::string bytes = {};
  };
  static void put(int fd, std::uint64_t at, std::string_view bytes) {
    while (!bytes.empty()) {
      auto const n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
      if (n < 0) disk_failed("write to the file of a disk");
      at += static_cast<std::uint64_t>(n);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  strata::fs::path stored_path_;
  Descriptor shown_;
  Descriptor stored_;
  std::vector<Write> cached_ = {};
};

}  // namespace crash_recovery

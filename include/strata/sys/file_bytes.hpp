#pragma once

#include <strata/fs.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_state.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <sys/mman.h>
#include <utility>

namespace strata::sys {

/// The contents of a whole file, read into memory. Costs about half of `read_file` for large files: the
/// memory is not zeroed first, uses huge pages where available, and is returned to the system at once. The
/// file itself is not mapped, as truncation by another process would raise SIGBUS.
class FileBytes {
 public:
  /// Reads a whole file; empty if it does not exist.
  /// @throws as `open_stored`; `errno`, "read <path>"
  static std::optional<FileBytes> read_if_exists(fs::path const& path) {
    auto const fd = open_stored(path);
    if (!fd) return std::nullopt;
    auto const size = FileState::of(fd->get(), path).size;
    FileBytes out(static_cast<std::size_t>(size), path);
    while (out.filled_ < size) {
      auto const n =
          read_some(fd->get(), out.memory_ + out.filled_, static_cast<std::size_t>(size) - out.filled_, path);
      if (n == 0) break;
      out.filled_ += n;
    }
    return out;
  }

  FileBytes(FileBytes&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)),
        reserved_(std::exchange(other.reserved_, 0)),
        filled_(std::exchange(other.filled_, 0)) {}
  FileBytes& operator=(FileBytes&&) = delete;
  ~FileBytes() {
    if (memory_ != nullptr) ::munmap(memory_, reserved_);
  }

  std::string_view text() const noexcept { return {memory_, filled_}; }

 private:
  FileBytes(std::size_t size, fs::path const& path) {
    if (size == 0) return;
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw_errno("mmap", path);
    memory_ = static_cast<char*>(memory);
    reserved_ = size;
    if (size >= 1 << 20) ::madvise(memory, size, MADV_HUGEPAGE);  // failure is harmless
  }

  char* memory_ = nullptr;
  std::size_t reserved_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace strata::sys

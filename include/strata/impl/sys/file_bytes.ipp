#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/file_bytes.hpp>
#include <strata/sys/file_state.hpp>

namespace strata::sys {

STRATA_INLINE std::optional<FileBytes> FileBytes::read_if_exists(fs::path const& path) {
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

STRATA_INLINE FileBytes::FileBytes(FileBytes&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      reserved_(std::exchange(other.reserved_, 0)),
      filled_(std::exchange(other.filled_, 0)) {}

STRATA_INLINE FileBytes::~FileBytes() {
  if (memory_ != nullptr) ::munmap(memory_, reserved_);
}

STRATA_INLINE FileBytes::FileBytes(std::size_t size, fs::path const& path) {
  if (size == 0) return;
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw_errno("mmap", path);
  memory_ = static_cast<char*>(memory);
  reserved_ = size;
  if (size >= 1 << 20) ::madvise(memory, size, MADV_HUGEPAGE);  // failure is harmless
}

}  // namespace strata::sys

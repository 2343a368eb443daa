#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

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
  static std::optional<FileBytes> read_if_exists(fs::path const& path);

  FileBytes(FileBytes&& other) noexcept;
  FileBytes& operator=(FileBytes&&) = delete;
  ~FileBytes();

  std::string_view text() const noexcept { return {memory_, filled_}; }

 private:
  FileBytes(std::size_t size, fs::path const& path);

  char* memory_ = nullptr;
  std::size_t reserved_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/file_bytes.ipp>
#endif

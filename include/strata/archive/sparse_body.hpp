#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/sys/file.hpp>

#include <cstdint>
#include <string_view>
#include <unistd.h>

namespace strata::archive {

/// Contents of a sparse file. Holes are zeros that need not be stored; a caller that does not ask for holes
/// gets the zeros from `next()`.
class SparseBody : public Reader {
 public:
  /// Skips the hole at the current position and returns its size in bytes; 0 for data or at the end.
  virtual std::uint64_t pass_hole() = 0;
};

/// Writes contents to a file from its current position, beyond which it must be empty. Holes of a
/// `SparseBody` become holes.
/// @throws `errno`, "write <path>", "seek <path>", "truncate <path>"; exceptions of `body`
inline void write_contents(int file, Reader& body, std::string_view path) {
  auto* const sparse = dynamic_cast<SparseBody*>(&body);
  bool ends_in_hole = false;
  while (true) {
    if (auto const hole = sparse != nullptr ? sparse->pass_hole() : 0; hole != 0) {
      if (::lseek(file, static_cast<off_t>(hole), SEEK_CUR) < 0) sys::throw_errno("seek", path);
      ends_in_hole = true;
    }
    Bytes const part = body.next();
    if (part.empty()) break;
    sys::write_all(file, part, path);
    ends_in_hole = false;
  }
  if (!ends_in_hole) return;
  auto const end = ::lseek(file, 0, SEEK_CUR);
  if (end < 0 || ::ftruncate(file, end) != 0) sys::throw_errno("truncate", path);
}

}  // namespace strata::archive

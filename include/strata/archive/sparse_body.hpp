#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/sys/file.hpp>

#include <cstdint>
#include <string_view>
#include <unistd.h>

namespace strata::archive {

/// Contents of an entry with holes: zeros that no archive stores and no file system need. Who does not ask for the holes gets
/// their zeros from `next()`.
class SparseBody : public Reader {
 public:
  /// Passes over the hole that begins here, and says how many bytes it has; 0: data, or the end.
  virtual std::uint64_t pass_hole() = 0;
};

/// Writes contents to a file, from where it stands; a body's holes become the file's. It must be empty from there on.
/// @throws `errno`
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

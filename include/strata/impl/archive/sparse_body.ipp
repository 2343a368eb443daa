#pragma once

#include <strata/archive/sparse_body.hpp>
#include <strata/sys/file.hpp>

namespace strata::archive {

STRATA_INLINE void write_contents(int file, Reader& body, std::string_view path) {
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

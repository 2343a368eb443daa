#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/separate.hpp>

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
void write_contents(int file, Reader& body, std::string_view path);

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/sparse_body.ipp>
#endif

#pragma once

#include <strata/concepts/bytes.hpp>

namespace strata::archive {

/// Contents that are an existing file of this machine. A consumer may share that file's blocks instead of
/// reading, but must then read this to its end, so that its owner can verify that the file was unchanged.
class FileBody : public Reader {
 public:
  /// The file, open for reading.
  virtual int descriptor() const noexcept = 0;
  /// True if the entry may become a hard link to the file where owner, mode and attributes are equal; the
  /// file's times then stay.
  virtual bool may_link() const noexcept = 0;
};

}  // namespace strata::archive

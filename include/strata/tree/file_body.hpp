#pragma once

#include <strata/concepts/bytes.hpp>

namespace strata::archive {

/// Contents of an entry that are those of a file of this machine as a whole. Who writes them to a file may share its blocks
/// instead, and must read this to its end all the same, afterwards: the owner then sees whether it still was that file.
class FileBody : public Reader {
 public:
  /// A regular file, open for reading.
  virtual int descriptor() const noexcept = 0;
  /// May it become one more name of that file, where owner, mode and attributes are the same? Its times then stay.
  virtual bool may_link() const noexcept = 0;
};

}  // namespace strata::archive

#pragma once

namespace strata {

/// How unpacking an archive treats what the tree held before. Each value preserves more than the one before
/// it.
enum class Former {
  gives_way,   ///< whiteouts remove it, and entries replace it
  not_hidden,  ///< whiteouts do not remove it
  kept,        ///< also keeps non-empty directories (ENOTEMPTY) and does not follow its links (ENOTDIR)
};

}  // namespace strata

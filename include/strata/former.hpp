#pragma once

namespace strata {

/// What becomes of that which a tree has before an archive is unpacked over it. Each leaves more than the one before.
enum class Former {
  gives_way,   ///< whiteouts remove it, and entries take its place
  not_hidden,  ///< whiteouts remove nothing of it
  kept,  ///< nor does a directory with something in it give way (ENOTEMPTY), nor is a link of its own followed (ENOTDIR)
};

}  // namespace strata

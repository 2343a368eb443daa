#pragma once

namespace strata {

/// What becomes of that which a tree has before an archive is unpacked over it. Each leaves more than the one before.
enum class Former {
  gives_way,   ///< whiteouts remove it, and entries take its place
  not_hidden,  ///< whiteouts remove nothing of it
  kept,        ///< nor does a directory that has something in it give way to an entry (ENOTEMPTY)
  kept_foreign,  ///< nor does an entry go through a link that neither the archive nor what is below has (ENOTDIR)
};

}  // namespace strata

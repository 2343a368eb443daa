#pragma once

#include <strata/digest.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/xattr.hpp>

#include <cstdint>
#include <fcntl.h>
#include <initializer_list>
#include <span>
#include <string_view>
#include <sys/stat.h>

namespace strata::sys {

/// A digest of a tree's metadata, to detect whether anything was written to it: names; inode, size and ctime
/// of files; inode, mode, owner, mtime and portable attributes of directories, including the top. Not a
/// directory's ctime: overlayfs sets attributes of its own (`trusted.overlay.uuid`, `.origin`) on upper
/// directories on lookup, and mounting may set the top's owner and mode anew. File contents are not read. Two
/// changes within one kernel clock tick (some milliseconds) may look like one.
/// @throws `errno`, "open <path>", "stat <path>", "listxattr <path>", "getxattr <path>"
Digest tree_signature(fs::path const& top);

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/tree_signature.ipp>
#endif

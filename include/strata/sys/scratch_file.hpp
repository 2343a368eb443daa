#pragma once

#include <strata/fs.hpp>
#include <strata/separate.hpp>
#include <strata/sys/fd.hpp>

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <unistd.h>

namespace strata::sys {

/// Creates an unnamed temporary file for reading and writing on the file system of `directory`.
/// @throws `errno`, "open <directory>"
Fd scratch_file(fs::path const& directory);

/// The directory that is wanted; if that is empty, `$TMPDIR`, or /var/tmp: for what may be larger than memory, of which /tmp
/// often is.
fs::path scratch_directory(fs::path wanted = {});

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/scratch_file.ipp>
#endif

#pragma once

#include <strata/fs.hpp>
#include <strata/progress.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <linux/fs.h>
#include <optional>
#include <sys/ioctl.h>

namespace strata::sys {

/// Makes a file share another's blocks wherever both have the same bytes. The kernel compares them
/// (FIDEDUPERANGE, ioctl_fideduperange(2)), so the contents never change, even with concurrent readers and
/// writers.
///
/// @param from, to regular files of the same size, open for reading; requires root or ownership of `to`
/// @param size in bytes
/// @return number of leading bytes that are shared, whether before or now, up to the first difference; empty
///   if the file system cannot share blocks
/// @throws `errno`, "share <path>"; `Errc::stopped`
std::optional<std::uint64_t> share_blocks(int from, int to, std::uint64_t size, fs::path const& path,
                                          Control const& control = {});

}  // namespace strata::sys

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/sys/share_blocks.ipp>
#endif

#pragma once

#include <strata/progress.hpp>
#include <strata/sys/fd.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <linux/fs.h>
#include <optional>
#include <sys/ioctl.h>

namespace strata::sys {

/// Makes a file use the blocks of another wherever both hold the same bytes, which the kernel makes sure of
/// (FIDEDUPERANGE, ioctl_fideduperange(2)): nobody can see a difference, whoever reads or writes them meanwhile.
///
/// @param from, to  regular files open for reading, of the same size; to be shared by root or by the owner of `to`
/// @param size      in bytes
/// @return          bytes that are shared now, up to the first that differs, whether they were before or not;
///                  nothing if the file system cannot share blocks at all
/// @throws          `errno`, "share <path>"; `Errc::stopped`
inline std::optional<std::uint64_t> share_blocks(int from, int to, std::uint64_t size,
                                                 std::filesystem::path const& path,
                                                 Control const& control = {}) {
  // The kernel does no more than 16 MiB at a time on btrfs and says how much it did; the end of a file need not be
  // that of a block.
  constexpr std::uint64_t part = std::uint64_t{16} << 20;
  std::uint64_t done = 0;
  while (done < size) {
    control.check();
    alignas(file_dedupe_range)
        std::array<std::byte, sizeof(file_dedupe_range) + sizeof(file_dedupe_range_info)>
            space{};
    auto* const range = reinterpret_cast<file_dedupe_range*>(space.data());
    range->src_offset = done;
    range->src_length = std::min(part, size - done);
    range->dest_count = 1;
    range->info[0].dest_fd = to;
    range->info[0].dest_offset = done;
    int const rc = retry([&] { return ::ioctl(from, FIDEDUPERANGE, range); });
    int const code = rc != 0 ? errno : -range->info[0].status;
    if (rc != 0 || range->info[0].status < 0) {
      if (code == EOPNOTSUPP || code == ENOTTY) return std::nullopt;
      // Another file system, a swap file, one that may not be changed.
      if (code == EXDEV || code == EINVAL || code == EPERM || code == ETXTBSY) return done;
      errno = code;
      throw_errno("share", path);
    }
    if (range->info[0].status == FILE_DEDUPE_RANGE_DIFFERS || range->info[0].bytes_deduped == 0) break;
    done += range->info[0].bytes_deduped;
  }
  return done;
}

}  // namespace strata::sys

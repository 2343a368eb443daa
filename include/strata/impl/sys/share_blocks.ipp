#pragma once

#include <strata/sys/fd.hpp>
#include <strata/sys/share_blocks.hpp>

#include <algorithm>

namespace strata::sys {

STRATA_INLINE std::optional<std::uint64_t> share_blocks(int from, int to, std::uint64_t size,
                                                        fs::path const& path, Control const& control) {
  // btrfs processes at most 16 MiB per call and reports how much; the last part need not be block-aligned.
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
      // Another file system, a swap file, or an immutable one.
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

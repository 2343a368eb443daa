#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <string_view>

/// An archive that is applied to a layer which came from another one, or was written to, goes over those files, of which the
/// tar-split tells nothing. It begins with an empty gzip member then, whose comment says so; readers pass over that.
namespace strata {

inline constexpr std::string_view over_former_mark(
    "\x1f\x8b\x08\x10\0\0\0\0\0\xff"
    "over former contents\0"
    "\x03\0\0\0\0\0\0\0\0\0",
    41);

/// Was the tar-split unpacked over former contents?
/// @throws `errno`, "open <path>", "read <path>", if that cannot be told
inline bool is_over_former(std::filesystem::path const& tar_split) {
  auto const fd = sys::find_at(tar_split, O_RDONLY);
  if (!fd) return false;
  std::array<char, over_former_mark.size()> begin{};
  auto const n = sys::read_some(fd->get(), begin.data(), begin.size(), tar_split);
  return std::string_view(begin.data(), n) == over_former_mark;
}

}  // namespace strata

#pragma once

#include <strata/archive/tar_block.hpp>
#include <strata/archive/tar_number.hpp>

namespace strata::archive {

STRATA_INLINE bool is_gnu_block(Bytes block) {
  return as_text(detail::field_of(block, detail::field_magic)) == std::string_view("ustar  \0", 8);
}

}  // namespace strata::archive

namespace strata::archive::detail {

STRATA_INLINE std::string_view read_format_fields(Bytes block, char type, TarHeader& header) {
  auto const magic = as_text(field_of(block, field_magic));
  bool const ustar = magic.starts_with(std::string_view("ustar\0", 6));
  bool const gnu = is_gnu_block(block);
  if (!ustar && !gnu) return {};
  header.user_name = text_of(block, field_user);
  header.group_name = text_of(block, field_group);
  auto const device = [&](TarField f) {
    auto const number = read_number(field_of(block, f));
    if (type != '3' && type != '4') return std::uint32_t{0};
    if (!std::in_range<std::uint32_t>(number)) throw Error(Errc::corrupt_archive, "device number");
    return static_cast<std::uint32_t>(number);
  };
  header.dev_major = device(field_major);
  header.dev_minor = device(field_minor);
  auto const time_of = [&](TarField f) {
    return FileTime{.seconds = read_number(field_of(block, f)), .nanoseconds = 0};
  };
  if (ustar && as_text(field_of(block, field_star_magic)) == std::string_view("tar\0", 4)) {
    header.atime = time_of(field_star_atime);
    header.ctime = time_of(field_star_ctime);
    return text_of(block, field_star_prefix);
  }
  if (ustar) return text_of(block, field_prefix);
  // Writers before 2017 put a name prefix where this format has times; Go's reader tolerates that.
  auto const gnu_time = [&](TarField f) -> std::optional<FileTime> {
    if (block[f.at] == std::byte{0}) return {};
    return time_of(f);
  };
  try {
    header.atime = gnu_time(field_gnu_atime);
    header.ctime = gnu_time(field_gnu_ctime);
  } catch (Error const&) {
    header.atime.reset();
    if (auto const text = text_of(block, field_prefix); is_ascii(text)) return text;
  }
  return {};
}

}  // namespace strata::archive::detail

namespace strata::archive {

STRATA_INLINE char read_tar_block(Bytes block, TarHeader& header) {
  using namespace detail;
  char const type = static_cast<char>(block[field_type.at]);
  auto const sums = sum_of(block);
  auto const sum = read_number(field_of(block, field_checksum));
  if (sum != sums.of_unsigned && sum != sums.of_signed) throw Error(Errc::corrupt_archive, "checksum");
  header.link_name = text_of(block, field_link);
  header.mode = static_cast<std::uint32_t>(read_number(field_of(block, field_mode)) & 07777);
  header.uid = read_number(field_of(block, field_uid));
  header.gid = read_number(field_of(block, field_gid));
  header.size = read_number(field_of(block, field_size));
  header.mtime = {.seconds = read_number(field_of(block, field_mtime)), .nanoseconds = 0};
  header.atime.reset();
  header.ctime.reset();
  header.xattrs.clear();
  header.user_name.clear();
  header.group_name.clear();
  header.dev_major = header.dev_minor = 0;
  header.sparse = false;
  header.name = read_format_fields(block, type, header);
  if (!header.name.empty()) header.name += '/';
  header.name += text_of(block, field_name);
  if (header.size < 0) throw Error(Errc::corrupt_archive, "a negative size");
  return type;
}

}  // namespace strata::archive

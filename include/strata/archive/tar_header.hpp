#pragma once

#include <strata/archive/tar_number.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::archive {

/// A file's time, in the full range of the kernel and of PAX.
struct FileTime {
  std::int64_t seconds = 0;      ///< since 1970-01-01T00:00:00Z
  std::int32_t nanoseconds = 0;  ///< 0 to 999,999,999; counts forward also before 1970

  auto operator<=>(FileTime const&) const = default;
};

/// The entry types that a layer can hold; the values are the header's type flags.
enum class EntryType : char {
  regular = '0',
  hard_link = '1',
  symlink = '2',
  char_device = '3',
  block_device = '4',
  directory = '5',
  fifo = '6',
};

/// One entry of a tar archive, independent of the header format.
struct TarHeader {
  std::string name = {};       ///< as in the archive: may start with "/" or "./", contain "..", end in "/"
  std::string link_name = {};  ///< hard_link: an entry's name; symlink: the target
  EntryType type = EntryType::regular;
  std::uint32_t mode = 0;  ///< permissions, setuid, setgid, sticky; no type bits
  std::int64_t uid = 0;    ///< container id, before id mapping
  std::int64_t gid = 0;
  std::int64_t size = 0;  ///< bytes of a regular file including holes; 0 for other types
  FileTime mtime = {};
  std::optional<FileTime> atime = {};
  std::optional<FileTime> ctime = {};
  std::string user_name = {};
  std::string group_name = {};
  std::uint32_t dev_major = 0;
  std::uint32_t dev_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs =
      {};               ///< key without "SCHILY.xattr.", value; sorted, unique keys
  bool sparse = false;  ///< holes are omitted, so fewer than `size` bytes are stored

  bool operator==(TarHeader const&) const = default;
};

inline constexpr std::size_t tar_block = 512;  ///< size of a tar header, and the unit of padding, in bytes

namespace detail {

/// Offsets and sizes of the fields of a 512-byte header (POSIX.1-2017 pax, "ustar Header Block").
struct TarField {
  std::size_t at;
  std::size_t size;
};
inline constexpr TarField field_name{0, 100}, field_mode{100, 8}, field_uid{108, 8}, field_gid{116, 8},
    field_size{124, 12}, field_mtime{136, 12}, field_checksum{148, 8}, field_type{156, 1},
    field_link{157, 100}, field_magic{257, 8}, field_user{265, 32}, field_group{297, 32}, field_major{329, 8},
    field_minor{337, 8}, field_prefix{345, 155}, field_gnu_atime{345, 12}, field_gnu_ctime{357, 12},
    field_gnu_real_size{483, 12}, field_star_prefix{345, 131}, field_star_atime{476, 12},
    field_star_ctime{488, 12}, field_star_magic{508, 4};

inline Bytes field_of(Bytes block, TarField f) { return block.subspan(f.at, f.size); }

/// A text field up to its first NUL.
std::string_view text_of(Bytes block, TarField f);

bool is_ascii(std::string_view text);

/// Owner ids have 32 bits. Programs that treat them as signed write large ids as -2 and below; these are
/// mapped back. -1 stays: to the kernel it means "do not change the owner".
std::int64_t owner_of(std::int64_t id) noexcept;

/// Sums of the header bytes with the checksum field as blanks; some old writers add signed characters.
struct TarSums {
  std::int64_t of_unsigned = 0;
  std::int64_t of_signed = 0;
};
TarSums sum_of(Bytes block);

}  // namespace detail

/// Parses a PAX time: seconds and a fraction of any length, of which nine digits count.
/// @throws `Errc::corrupt_archive`
FileTime read_pax_time(std::string_view text);

/// Calls `visit(key, value)` for each record "<length> <key>=<value>\n" of a PAX header, in order.
/// @throws `Errc::corrupt_archive`: a length that does not end at a newline, a missing "=", an empty key, a
///   NUL in a key, path, link path, user or group name, or sparse offsets and lengths that do not alternate
template <class Visit>
void for_each_pax_record(std::string_view data, Visit&& visit) {
  auto const bad = [] { return Error(Errc::corrupt_archive, "PAX record"); };
  bool length_is_next = false;
  while (!data.empty()) {
    auto const space = data.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 19) throw bad();
    auto const digits = data.substr(0, space);
    if (!std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) throw bad();
    auto const length = static_cast<std::uint64_t>(read_decimal(digits));
    if (length < space + 4 || length > data.size() || data[length - 1] != '\n') throw bad();
    auto const record = data.substr(space + 1, length - space - 2);
    auto const equals = record.find('=');
    if (equals == std::string_view::npos || equals == 0) throw bad();
    auto const key = record.substr(0, equals);
    auto const value = record.substr(equals + 1);
    bool const text = key == "path" || key == "linkpath" || key == "uname" || key == "gname";
    if ((text ? value : key).find('\0') != std::string_view::npos) throw bad();
    if (bool const length_here = key == "GNU.sparse.numbytes"; length_here || key == "GNU.sparse.offset") {
      if (length_here != length_is_next || value.find(',') != std::string_view::npos) throw bad();
      length_is_next = !length_here;
    }
    visit(key, value);
    data.remove_prefix(length);
  }
}

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_header.ipp>
#endif

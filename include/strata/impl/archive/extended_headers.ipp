#pragma once

#include <strata/archive/extended_headers.hpp>

#include <map>

namespace strata::archive {

STRATA_INLINE void ExtendedHeaders::clear() {
  long_name.clear();
  long_link.clear();
  pax.clear();
}

STRATA_INLINE auto ExtendedHeaders::bring_into(TarHeader& header, std::uint64_t xattr_bytes) const -> Said {
  Said said;
  std::map<std::string_view, std::string_view> xattrs;
  std::uint64_t bytes = 0;
  for_each_pax_record(pax, [&](std::string_view key, std::string_view value) {
    constexpr std::string_view xattr = "SCHILY.xattr.";
    if (key.starts_with(xattr)) {
      key.remove_prefix(xattr.size());
      bytes += key.size() + value.size();
      if (bytes > xattr_bytes)
        throw Error(Errc::over_budget,
                    "archive: bytes of extended attributes above " + std::to_string(xattr_bytes));
      xattrs.insert_or_assign(key, value);  // the last record of a key counts
      return;
    }
    if (key.starts_with("GNU.sparse.")) return said.sparse.take(key, value);
    if (value.empty()) return;  // cancels a global header: the fixed field applies
    if (key == "path") header.name = value;
    if (key == "linkpath") header.link_name = value;
    if (key == "uname") header.user_name = value;
    if (key == "gname") header.group_name = value;
    if (key == "uid") header.uid = read_decimal(value);
    if (key == "gid") header.gid = read_decimal(value);
    if (key == "size") said.size = read_decimal(value);
    if (key == "mtime") header.mtime = read_pax_time(value);
    if (key == "atime") header.atime = read_pax_time(value);
    if (key == "ctime") header.ctime = read_pax_time(value);
  });
  for (auto const& [key, value] : xattrs) header.xattrs.emplace_back(key, value);
  auto const until_nul = [](std::string_view text) { return text.substr(0, text.find('\0')); };
  if (auto const n = until_nul(long_name); !n.empty()) header.name = n;
  if (auto const n = until_nul(long_link); !n.empty()) header.link_name = n;
  return said;
}

}  // namespace strata::archive

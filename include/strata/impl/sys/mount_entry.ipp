#pragma once

#include <strata/sys/file.hpp>
#include <strata/sys/mount_entry.hpp>

#include <charconv>

namespace strata::sys {

STRATA_INLINE std::string unescape_mount_field(std::string_view field) {
  std::string text;
  auto const octal = [](char c) { return c >= '0' && c <= '7'; };
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '\\' && i + 3 < field.size() && octal(field[i + 1]) && octal(field[i + 2]) &&
        octal(field[i + 3])) {
      text += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 + (field[i + 3] - '0'));
      i += 3;
    } else {
      text += field[i];
    }
  }
  return text;
}

STRATA_INLINE std::optional<MountEntry> parse_mount_line(std::string_view line) {
  std::vector<std::string_view> fields;
  for (std::size_t at = 0; at <= line.size();) {
    std::size_t const end = std::min(line.find(' ', at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  if (fields.size() < 9) return std::nullopt;
  std::size_t dash = 6;
  while (dash < fields.size() && fields[dash] != "-") ++dash;
  if (dash + 2 >= fields.size()) return std::nullopt;
  auto const number = [](std::string_view text, int& value) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && value >= 0;
  };
  int id = 0, parent = 0, major_number = 0, minor_number = 0;
  auto const colon = std::min(fields[2].find(':'), fields[2].size());
  if (!number(fields[0], id) || !number(fields[1], parent) ||
      !number(fields[2].substr(0, colon), major_number) ||
      !number(fields[2].substr(std::min(colon + 1, fields[2].size())), minor_number))
    return std::nullopt;
  MountEntry entry{
      .id = id,
      .parent = parent,
      .device = makedev(static_cast<unsigned>(major_number), static_cast<unsigned>(minor_number)),
      .root = unescape_mount_field(fields[3]),
      .point = unescape_mount_field(fields[4]),
      .options = std::string(fields[5]),
      .propagation = {},
      .type = unescape_mount_field(fields[dash + 1]),
      .source = unescape_mount_field(fields[dash + 2]),
      .super_options = dash + 3 < fields.size() ? unescape_mount_field(fields[dash + 3]) : std::string()};
  for (std::size_t i = 6; i < dash; ++i) {
    if (!entry.propagation.empty()) entry.propagation += ' ';
    entry.propagation += fields[i];
  }
  return entry;
}

STRATA_INLINE std::vector<MountEntry> mounts() {
  std::vector<MountEntry> entries;
  for_each_mount(read_file("/proc/self/mountinfo"),
                 [&](MountEntry& entry) { entries.push_back(std::move(entry)); });
  return entries;
}

}  // namespace strata::sys

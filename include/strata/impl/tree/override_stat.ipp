#pragma once

#include <strata/tree/override_stat.hpp>

#include <algorithm>
#include <charconv>

namespace strata::archive {

STRATA_INLINE std::string override_stat_text(TarHeader const& header) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%lld:%lld:%04o:", static_cast<long long>(header.uid),
                static_cast<long long>(header.gid), static_cast<unsigned>(header.mode & 07777U));
  std::string out = text.data();
  auto const device = [&](char const* kind) {
    return kind + ('-' + std::to_string(header.dev_major)) + '-' + std::to_string(header.dev_minor);
  };
  switch (header.type) {
    case EntryType::directory:
      return out + "dir";
    case EntryType::symlink:
      return out + "symlink";
    case EntryType::fifo:
      return out + "pipe";
    case EntryType::char_device:
      return out + device("char");
    case EntryType::block_device:
      return out + device("block");
    default:
      return out + "file";
  }
}

STRATA_INLINE bool apply_override_stat(std::string_view text, TarHeader& header) {
  std::array<std::string_view, 4> fields{};
  std::size_t count = 0;
  for (; count < fields.size() && !text.empty(); ++count) {
    auto const end = std::min(text.find(':'), text.size());
    fields[count] = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  auto const number = [](std::string_view field, int base) -> std::optional<std::uint32_t> {
    std::uint32_t value = 0;
    auto const end = field.data() + field.size();
    auto const [at, error] = std::from_chars(field.data(), end, value, base);
    return error == std::errc() && at == end ? std::optional(value) : std::nullopt;
  };
  auto const uid = number(fields[0], 10);
  auto const gid = number(fields[1], 10);
  auto const mode = number(fields[2], 8);
  if (count < 3 || !uid || !gid || !mode) return false;
  if (header.type == EntryType::regular) {
    auto const type = fields[3];
    auto const dash = std::min(type.find('-'), type.size());
    auto const numbers = type.substr(std::min(dash + 1, type.size()));
    auto const second = std::min(numbers.find('-'), numbers.size());
    bool const character = type.starts_with("char-");
    if (type == "pipe") {
      header.type = EntryType::fifo;
    } else if (character || type.starts_with("block-")) {
      auto const major = number(numbers.substr(0, second), 10);
      auto const rest = numbers.substr(std::min(second + 1, numbers.size()));
      auto const minor = number(rest.substr(0, rest.find('-')), 10);
      if (!major || !minor) return false;
      header.type = character ? EntryType::char_device : EntryType::block_device;
      header.dev_major = *major;
      header.dev_minor = *minor;
    }
    if (header.type != EntryType::regular) header.size = 0;
  }
  header.uid = *uid;
  header.gid = *gid;
  header.mode = *mode & 07777U;
  return true;
}

}  // namespace strata::archive

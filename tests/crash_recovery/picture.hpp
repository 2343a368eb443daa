#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

/// Everything that a store shows, in lines: what "image a3 names" is, what "container b7 file d1/f2" holds. Pictures of what
/// was acknowledged and of what is there are compared line by line.
namespace crash_recovery {

using Picture = std::map<std::string, std::string>;

/// FNV-1a of 64 bits, and the length: enough to tell contents apart.
inline std::string hash_of(std::string_view bytes) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (char const c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += digits[(hash >> static_cast<unsigned>(shift)) & 15U];
  return out + ':' + std::to_string(bytes.size());
}

/// Who made the item that a line is about: the first letter of its id.
inline char maker_of(std::string_view line) {
  auto const space = line.find(' ');
  return space + 1 < line.size() ? line[space + 1] : '?';
}

/// The lines of one maker.
inline Picture part_of(Picture const& all, char maker) {
  Picture part;
  for (auto const& [line, value] : all)
    if (maker_of(line) == maker) part.emplace(line, value);
  return part;
}

/// Lines that begin so are left out of a comparison.
inline void forget(Picture& picture, std::string_view begin) {
  std::erase_if(picture, [&](auto const& line) { return line.first.starts_with(begin); });
}

/// What differs, a line each, at most 40.
inline std::string difference(Picture const& expected, Picture const& found) {
  std::string out;
  std::size_t lines = 0;
  auto const say = [&](std::string const& text) {
    if (++lines <= 40) out += "    " + text + '\n';
  };
  for (auto const& [line, value] : expected)
    if (auto const there = found.find(line); there == found.end())
      say("lost: " + line + " = " + value);
    else if (there->second != value)
      say("changed: " + line + " = " + there->second + ", was " + value);
  for (auto const& [line, value] : found)
    if (!expected.contains(line)) say("unknown: " + line + " = " + value);
  return out;
}

}  // namespace crash_recovery

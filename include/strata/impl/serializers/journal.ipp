#pragma once

#include <strata/serializers/crc32c.hpp>
#include <strata/serializers/journal.hpp>

#include <charconv>

namespace strata::serializers {

STRATA_INLINE std::string Journal::log_header(std::string_view driver) {
  return std::string(log_line) + std::string(driver) + '\n';
}

STRATA_INLINE std::size_t Journal::read_log_header(std::string_view bytes, std::string_view driver) {
  static constexpr std::string_view format = "strata journal ";
  auto const end = bytes.substr(0, 4096).find('\n');
  if (!bytes.starts_with(format) || end == std::string_view::npos)
    throw damaged(0, "\"strata journal\" expected");
  auto const line = bytes.substr(0, end);
  if (!line.starts_with(log_line) || line.substr(log_line.size()) != driver)
    throw Error(Errc::store_mismatch,
                "\"" + std::string(line) + "\" is not driver \"" + std::string(driver) + '"');
  return end + 1;
}

STRATA_INLINE std::string Journal::encode_erase(std::string_view kind, std::string_view id) {
  return change("erase ", kind, id) += '\n';
}

STRATA_INLINE std::string Journal::frame(std::span<std::string const> changes) {
  std::string body;
  for (auto const& change : changes) body += change;
  return framed(body);
}

STRATA_INLINE bool Journal::frame_follows(std::string_view bytes) {
  for (auto at = bytes.find(frame_word); at != std::string_view::npos; at = bytes.find(frame_word, at + 1))
    if (frame_at(bytes.substr(at)).size != 0) return true;
  return false;
}

STRATA_INLINE Error Journal::damaged(std::size_t at, std::string_view what) {
  return Error(Errc::corrupt_record, "byte " + std::to_string(at) + ": " + std::string(what));
}

STRATA_INLINE void Journal::append_hex(std::string& out, std::uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

STRATA_INLINE bool Journal::read_hex(std::string_view text, std::uint32_t& value) {
  if (text.find_first_of("ABCDEF") != std::string_view::npos)
    return false;  // only lines in canonical form are valid
  auto const [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} && stop == text.data() + text.size();
}

STRATA_INLINE std::string Journal::framed(std::string_view body) {
  if (body.size() > 0xFFFFFFFFU) throw Error(Errc::over_budget, "changes at once");
  std::string out;
  out.reserve(frame_line_size + body.size());
  out += frame_word;
  append_hex(out, static_cast<std::uint32_t>(body.size()));
  out += ' ';
  append_hex(out, crc32c(body, crc32c(out)));
  out += '\n';
  return out += body;
}

STRATA_INLINE auto Journal::frame_at(std::string_view bytes) -> Frame {
  std::uint32_t size = 0;
  std::uint32_t crc = 0;
  if (bytes.size() < frame_line_size || !bytes.starts_with(frame_word) || bytes[checked_size - 1] != ' ' ||
      bytes[frame_line_size - 1] != '\n' || !read_hex(bytes.substr(frame_word.size(), 8), size) ||
      !read_hex(bytes.substr(checked_size, 8), crc) || bytes.size() - frame_line_size < size)
    return {};
  auto const body = bytes.substr(frame_line_size, size);
  if (crc32c(body, crc32c(bytes.substr(0, checked_size))) != crc) return {};
  return {.body = body, .size = frame_line_size + size};
}

STRATA_INLINE std::string Journal::change(std::string_view verb, std::string_view kind, std::string_view id) {
  std::string out(verb);
  out += kind;
  out += ' ';
  out += std::to_string(id.size());
  out += ':';
  return out += id;
}

STRATA_INLINE LogChange Journal::change_at(std::string_view body) {
  auto rest = body;
  auto const take_until = [&](char stop) {
    auto const text = rest.substr(0, rest.find(stop));
    rest.remove_prefix(text.size() < rest.size() ? text.size() + 1 : text.size());
    return text;
  };
  LogChange out;
  auto const verb = take_until(' ');
  out.kind = take_until(' ');
  auto const digits = take_until(':');
  std::size_t size = 0;
  auto const [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
  if (error != std::errc{} || stop != digits.data() + digits.size() || size >= rest.size()) return {};
  out.id = rest.substr(0, size);
  char const behind = rest[size];
  rest.remove_prefix(size + 1);
  if (verb == "put" && behind == ' ') {
    auto const end = rest.find('\n');
    if (end == 0 || end == std::string_view::npos) return {};
    out.record = rest.substr(0, end);
    rest.remove_prefix(end + 1);
  } else if (verb != "erase" || behind != '\n') {
    return {};
  }
  out.encoded = body.substr(0, body.size() - rest.size());
  return out;
}

}  // namespace strata::serializers

#pragma once

#include <strata/archive/tar_writer.hpp>
#include <strata/clean_path.hpp>

#include <algorithm>

namespace strata::archive {

STRATA_INLINE void TarWriter::add(TarHeader const& header, Reader* body) {
  end_entry();
  name_ = header.name;
  auto const records = pax_records(header);
  if (records) put_pax(header, *records);
  put_header(header, records.has_value());
  left_ = static_cast<std::uint64_t>(size_of(header));
  padding_ = static_cast<std::size_t>((tar_block - left_ % tar_block) % tar_block);
  if (body == nullptr) return;
  for (Bytes part = body->next(); !part.empty(); part = body->next()) write(part);
  end_entry();
}

STRATA_INLINE void TarWriter::write(Bytes bytes) {
  if (bytes.size() > left_)
    throw Error(Errc::corrupt_archive, "entry " + name_ + ": more data than its size");
  left_ -= bytes.size();
  out_.write(bytes);
}

STRATA_INLINE void TarWriter::finish() {
  end_entry();
  out_.zeros(2 * tar_block);
  out_.flush();
}

STRATA_INLINE void TarWriter::end_entry() {
  if (left_ != 0)
    throw Error(Errc::corrupt_archive,
                "entry " + name_ + ": " + std::to_string(left_) + " bytes are missing");
  out_.zeros(padding_);
  padding_ = 0;
}

STRATA_INLINE std::optional<std::pair<std::string_view, std::string_view>> TarWriter::split(
    std::string_view name) {
  constexpr auto prefix = detail::field_prefix.size;
  if (name.size() <= detail::field_name.size || !detail::is_ascii(name)) return {};
  auto head = name;
  if (head.size() > prefix + 1)
    head = head.substr(0, prefix + 1);
  else if (head.ends_with('/'))
    head.remove_suffix(1);
  auto const slash = head.rfind('/');
  if (slash == std::string_view::npos || slash == 0) return {};
  auto const rest = name.substr(slash + 1);
  if (rest.empty() || rest.size() > detail::field_name.size || slash > prefix) return {};
  return std::pair(name.substr(0, slash), rest);
}

STRATA_INLINE auto TarWriter::pax_records(TarHeader const& h) -> std::optional<Records> {
  Records records;
  bool needed = !h.xattrs.empty();
  auto const text = [&](std::string_view value, std::size_t width, char const* key, bool fits_split) {
    if (value.find('\0') != std::string_view::npos) throw Error(Errc::unsupported, "NUL in entry " + h.name);
    if (value.size() <= width && detail::is_ascii(value)) return;
    records[key] = value;
    needed = needed || !fits_split;
  };
  auto const number = [&](std::int64_t value, std::size_t width, char const* key) {
    if (fits_octal(value, width)) return;
    records[key] = std::to_string(value);
    needed = true;
  };
  text(h.name, detail::field_name.size, "path", split(h.name).has_value());
  text(h.link_name, detail::field_link.size, "linkpath", false);
  text(h.user_name, detail::field_user.size, "uname", false);
  text(h.group_name, detail::field_group.size, "gname", false);
  number(h.uid, detail::field_uid.size, "uid");
  number(h.gid, detail::field_gid.size, "gid");
  number(size_of(h), detail::field_size.size, "size");
  number(h.mtime.seconds, detail::field_mtime.size, "mtime");
  if (!fits_octal(h.dev_major, 8) || !fits_octal(h.dev_minor, 8))
    throw Error(Errc::unsupported, "device number of entry " + h.name);
  for (auto const& [key, value] : h.xattrs) {
    if (key.empty() || key.find('=') != std::string::npos || key.find('\0') != std::string::npos)
      throw Error(Errc::unsupported, "extended attribute \"" + key + "\" of entry " + h.name);
    records["SCHILY.xattr." + key] = value;
  }
  if (!needed) return {};
  return records;
}

STRATA_INLINE void TarWriter::Block::put(detail::TarField f, std::string_view text) {
  std::ranges::copy(text.substr(0, f.size), bytes.begin() + static_cast<std::ptrdiff_t>(f.at));
}

STRATA_INLINE void TarWriter::Block::put(detail::TarField f, std::int64_t value) {
  write_octal(std::span(bytes).subspan(f.at, f.size), value);
}

STRATA_INLINE void TarWriter::Block::seal() {
  put(detail::field_magic, std::string_view("ustar\00000", 8));
  auto const sum = detail::sum_of(std::as_bytes(std::span(bytes))).of_unsigned;
  put({detail::field_checksum.at, detail::field_checksum.size - 1}, sum);
  bytes[detail::field_checksum.at + detail::field_checksum.size - 1] = ' ';
}

STRATA_INLINE void TarWriter::put(Block& block) {
  block.seal();
  out_.write(std::as_bytes(std::span(block.bytes)));
}

STRATA_INLINE std::string TarWriter::ascii_of(std::string_view text) {
  std::string out;
  for (char const c : text)
    if (detail::is_ascii({&c, 1})) out += c;
  return out;
}

STRATA_INLINE std::string TarWriter::pax_name(std::string_view name) {
  auto const base = name.rfind('/') + 1;  // 0 without a slash
  std::string whole(name.substr(0, base));
  whole += base == 0 ? "PaxHeaders.0/" : "/PaxHeaders.0/";
  whole += name.substr(base);
  auto out = ascii_of(clean_path(whole)).substr(0, detail::field_name.size);
  while (out.ends_with('/')) out.pop_back();
  return out;
}

STRATA_INLINE void TarWriter::put_pax(TarHeader const& header, Records const& records) {
  std::string data;
  for (auto const& [key, value] : records) {
    auto const rest = key.size() + value.size() + 3;
    auto length = rest + std::to_string(rest).size();
    length = rest + std::to_string(length).size();
    data += std::to_string(length) + ' ' + key + '=' + value + '\n';
  }
  Block block;
  block.put(detail::field_name, pax_name(header.name));
  for (auto const f : {detail::field_mode, detail::field_uid, detail::field_gid, detail::field_mtime})
    block.put(f, std::int64_t{0});
  block.put(detail::field_size, static_cast<std::int64_t>(data.size()));
  block.bytes[detail::field_type.at] = 'x';
  put(block);
  out_.write(as_bytes(data));
  out_.zeros((tar_block - data.size() % tar_block) % tar_block);
}

STRATA_INLINE void TarWriter::put_header(TarHeader const& header, bool const with_pax) {
  Block block;
  auto const text = [](std::string_view t) { return ascii_of(t); };
  if (auto const parts = with_pax ? std::nullopt : split(header.name)) {
    block.put(detail::field_prefix, parts->first);
    block.put(detail::field_name, parts->second);
  } else {
    auto const name = text(header.name);
    block.put(detail::field_name, name);
    // Some readers take a name that truncation leaves with a trailing "/" for a directory.
    if (auto const cut = name.substr(0, detail::field_name.size);
        cut.size() < name.size() && cut.ends_with('/'))
      block.bytes[cut.find_last_not_of('/') + 1] = '\0';
  }
  block.put(detail::field_link, text(header.link_name));
  block.put(detail::field_mode, header.mode & 07777);
  block.put(detail::field_uid, header.uid);
  block.put(detail::field_gid, header.gid);
  block.put(detail::field_size, size_of(header));
  block.put(detail::field_mtime, header.mtime.seconds);
  block.put(detail::field_user, text(header.user_name));
  block.put(detail::field_group, text(header.group_name));
  block.put(detail::field_major, header.dev_major);
  block.put(detail::field_minor, header.dev_minor);
  block.bytes[detail::field_type.at] = static_cast<char>(header.type);
  put(block);
}

}  // namespace strata::archive

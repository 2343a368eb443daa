#pragma once

#include <strata/archive/gathering_writer.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/clean_path.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

/// Writes a tar archive with the same bytes as Go's archive/tar for a layer's files: ustar headers where an
/// entry fits, else a PAX header in front.
///
/// The payload is passed to `add()` as a `Reader`, or with `write()` afterwards; its length must match the
/// header. Times are written in whole seconds; access and change times are omitted. Small writes are
/// collected before they reach `out`. Not safe for concurrent use.
///
///     archive::TarWriter tar(out);
///     tar.add({.name = "etc/hostname", .mode = 0644, .size = 4}, &body);
///     tar.finish();
class TarWriter final : public Writer {
 public:
  /// @param out must outlive the object
  explicit TarWriter(Writer& out) : out_(out) {}
  TarWriter(TarWriter const&) = delete;
  TarWriter& operator=(TarWriter const&) = delete;

  /// Starts an entry and writes `body`, if given.
  /// @throws `Errc::unsupported`: a NUL in a name, or a device number or attribute key that the format cannot
  ///   hold; `Errc::corrupt_archive`: the previous payload or `body` does not have the length in its header
  void add(TarHeader const& header, Reader* body = nullptr) {
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

  /// Writes payload of the entry added last.
  void write(Bytes bytes) override {
    if (bytes.size() > left_)
      throw Error(Errc::corrupt_archive, "entry " + name_ + ": more data than its size");
    left_ -= bytes.size();
    out_.write(bytes);
  }

  /// Writes the end marker, two zero blocks. Nothing can be added afterwards.
  void finish() {
    end_entry();
    out_.zeros(2 * tar_block);
    out_.flush();
  }

 private:
  using Records = std::map<std::string, std::string>;  // PAX headers hold them sorted

  void end_entry() {
    if (left_ != 0)
      throw Error(Errc::corrupt_archive,
                  "entry " + name_ + ": " + std::to_string(left_) + " bytes are missing");
    out_.zeros(padding_);
    padding_ = 0;
  }

  static std::int64_t size_of(TarHeader const& h) { return h.type == EntryType::regular ? h.size : 0; }

  /// Splits a name at a slash into the ustar prefix and name fields; empty if no slash fits.
  static std::optional<std::pair<std::string_view, std::string_view>> split(std::string_view name) {
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

  /// The records of a PAX header for what the fixed fields cannot hold; empty if ustar suffices. Once there
  /// is another reason for a PAX header, a long name that ustar could split is recorded as well, since the
  /// two methods are not mixed.
  static std::optional<Records> pax_records(TarHeader const& h) {
    Records records;
    bool needed = !h.xattrs.empty();
    auto const text = [&](std::string_view value, std::size_t width, char const* key, bool fits_split) {
      if (value.find('\0') != std::string_view::npos)
        throw Error(Errc::unsupported, "NUL in entry " + h.name);
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

  struct Block {
    std::array<char, tar_block> bytes = {};
    void put(detail::TarField f, std::string_view text) {
      std::ranges::copy(text.substr(0, f.size), bytes.begin() + static_cast<std::ptrdiff_t>(f.at));
    }
    void put(detail::TarField f, std::int64_t value) {
      write_octal(std::span(bytes).subspan(f.at, f.size), value);
    }
    void seal() {
      put(detail::field_magic, std::string_view("ustar\00000", 8));
      auto const sum = detail::sum_of(std::as_bytes(std::span(bytes))).of_unsigned;
      put({detail::field_checksum.at, detail::field_checksum.size - 1}, sum);
      bytes[detail::field_checksum.at + detail::field_checksum.size - 1] = ' ';
    }
  };
  void put(Block& block) {
    block.seal();
    out_.write(std::as_bytes(std::span(block.bytes)));
  }

  static std::string ascii_of(std::string_view text) {
    std::string out;
    for (char const c : text)
      if (detail::is_ascii({&c, 1})) out += c;
    return out;
  }

  /// "<directory>/PaxHeaders.0/<base>"
  static std::string pax_name(std::string_view name) {
    auto const base = name.rfind('/') + 1;  // 0 without a slash
    std::string whole(name.substr(0, base));
    whole += base == 0 ? "PaxHeaders.0/" : "/PaxHeaders.0/";
    whole += name.substr(base);
    auto out = ascii_of(clean_path(whole)).substr(0, detail::field_name.size);
    while (out.ends_with('/')) out.pop_back();
    return out;
  }

  void put_pax(TarHeader const& header, Records const& records) {
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

  void put_header(TarHeader const& header, bool const with_pax) {
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

  GatheringWriter out_;
  std::string name_ = {};  // of the current entry, for error messages
  std::uint64_t left_ = 0;
  std::size_t padding_ = 0;
};

}  // namespace strata::archive

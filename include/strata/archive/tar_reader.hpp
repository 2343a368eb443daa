#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace strata::archive {

/// What an archive may ask of us; beyond it `Errc::over_budget`.
struct TarBudgets {
  std::uint64_t header_bytes = 1U << 20U;  ///< PAX headers and GNU long names before one entry
  std::uint64_t path_bytes = 4096;         ///< a name or link name
  std::uint64_t xattr_bytes = 1U << 20U;   ///< keys and values of one entry
  std::uint64_t entries = 1U << 22U;
};

/// Sees an archive go by, byte for byte and in order: raw bytes, then an entry, then its payload, then raw
/// bytes (its padding and the next header) and so on.
class RawTap {
 public:
  virtual ~RawTap() = default;
  /// Bytes that are not payload; what stands between two other calls may come in several pieces.
  virtual void raw(Bytes bytes) = 0;
  /// All bytes up to and with this entry's header have been told; its payload follows.
  virtual void entry(TarHeader const& header) = 0;
  virtual void payload(Bytes bytes) = 0;
  /// A PAX global header of that name ("pax_global_header") and its data, without padding, have been told.
  virtual void global_header(std::string_view /*name*/) {}
  /// The end marker has been told; what is told from now on merely follows it in the stream.
  virtual void end_marker() {}
};

/// Reads a tar archive: old (v7), ustar, PAX, GNU and star headers, with the leniency of Go's archive/tar, so
/// that both accept the same layers.
///
/// As a `Reader` it gives the payload of the current entry as parts of the chunks of its input, never copied;
/// what the caller does not read is passed over by the next `next(header)`. PAX global headers are passed
/// over too. An archive ends at two zero blocks, or where its input ends between entries. Memory: one header
/// and its names, within the budgets. Not thread-safe.
class TarReader final : public Reader {
 public:
  explicit TarReader(Reader& in, TarBudgets budgets = {}, RawTap* tap = nullptr)
      : in_(in), budgets_(budgets), tap_(tap) {}
  TarReader(TarReader const&) = delete;
  TarReader& operator=(TarReader const&) = delete;

  /// Moves to the next entry. False at the end of the archive; by then the input has been read to its end,
  /// with whatever follows the end marker.
  /// @throws `Errc::corrupt_archive` (with the offset), `Errc::over_budget`, `Errc::unsupported`: a sparse
  /// file or
  ///         another kind of entry that is none of `EntryType`
  bool next(TarHeader& header) {
    if (ended_) return false;
    skip_payload();
    long_name_.clear();
    long_link_.clear();
    pax_.clear();
    std::uint64_t extra = 0;
    while (skip_padding()) {
      header_at_ = offset();
      Bytes const block = take_block();
      if (block.empty()) break;
      if (is_zero(block)) {
        Bytes const second = take_block();
        if (!second.empty() && !is_zero(second)) throw damaged("one zero block among headers");
        break;
      }
      char const type = read_block(block, header);
      if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
        auto& data = type == 'L' ? long_name_ : type == 'K' ? long_link_ : pax_;
        extra += tar_block + static_cast<std::uint64_t>(header.size);
        if (extra > budgets_.header_bytes) throw over("header bytes", budgets_.header_bytes);
        read_data(data, header.size);
        if (type == 'x' || type == 'g') for_each_record([](auto, auto) {});
        if (type == 'g') {
          flush_raw();
          if (tap_ != nullptr) tap_->global_header(header.name);
          // Go's reader makes an entry of it, and what was gathered for the next one is lost.
          long_name_.clear();
          long_link_.clear();
          pax_.clear();
          extra = 0;
        }
        continue;
      }
      finish_header(type, header);
      if (++entries_ > budgets_.entries) throw over("entries", budgets_.entries);
      flush_raw();
      if (tap_ != nullptr) tap_->entry(header);
      left_ = static_cast<std::uint64_t>(header.size);
      padding_ = padding_of(left_);
      return true;
    }
    finish_input();
    return false;
  }

  /// The next bytes of the current entry's payload, empty at its end.
  Bytes next() override {
    if (left_ == 0) return {};
    if (at_ == chunk_.size() && !fill()) throw damaged("the input ends within an entry's data");
    auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, chunk_.size() - at_));
    auto const part = chunk_.subspan(at_, n);
    at_ += n;
    told_ = at_;
    left_ -= n;
    if (tap_ != nullptr) tap_->payload(part);
    return part;
  }

  std::uint64_t entries() const noexcept { return entries_; }
  /// Bytes of the input consumed so far.
  std::uint64_t offset() const noexcept { return before_ + at_; }

 private:
  static std::size_t padding_of(std::uint64_t size) {
    return static_cast<std::size_t>((tar_block - size % tar_block) % tar_block);
  }
  static bool is_zero(Bytes block) {
    return block[0] == std::byte{0} && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
  }
  Error damaged(std::string const& what) const {
    return Error(Errc::corrupt_archive, what + ", header at byte " + std::to_string(header_at_));
  }
  static Error over(std::string const& what, std::uint64_t limit) {
    return Error(Errc::over_budget, "archive: " + what + " above " + std::to_string(limit));
  }

  void flush_raw() {
    if (tap_ != nullptr && told_ < at_) tap_->raw(chunk_.subspan(told_, at_ - told_));
    told_ = at_;
  }
  /// Fetches the next chunk once this one is used up.
  bool fill() {
    flush_raw();
    before_ += chunk_.size();
    at_ = told_ = 0;
    chunk_ = in_.next();
    return !chunk_.empty();
  }
  void skip_payload() {
    while (left_ != 0) static_cast<void>(next());
  }
  /// False when the input ends first: the last entry's padding may be missing.
  bool skip_padding() {
    while (padding_ != 0) {
      if (at_ == chunk_.size() && !fill()) return false;
      auto const n = std::min(padding_, chunk_.size() - at_);
      at_ += n;
      padding_ -= n;
    }
    return true;
  }
  /// 512 bytes in one piece, or none at the end of the input.
  Bytes take_block() {
    if (at_ == chunk_.size() && !fill()) return {};
    if (chunk_.size() - at_ >= tar_block) {
      at_ += tar_block;
      return chunk_.subspan(at_ - tar_block, tar_block);
    }
    std::size_t have = 0;
    while (have < tar_block) {
      if (at_ == chunk_.size() && !fill()) throw damaged("the input ends within a header");
      auto const n = std::min(tar_block - have, chunk_.size() - at_);
      std::memcpy(split_.data() + have, chunk_.data() + at_, n);
      at_ += n;
      have += n;
    }
    return split_;
  }
  void read_data(std::string& data, std::int64_t size) {
    data.clear();
    auto rest = static_cast<std::size_t>(size);  // within the budget for headers
    padding_ = padding_of(rest);
    while (rest != 0) {
      if (at_ == chunk_.size() && !fill()) throw damaged("the input ends within an extended header");
      auto const n = std::min(rest, chunk_.size() - at_);
      data += as_text(chunk_.subspan(at_, n));
      at_ += n;
      rest -= n;
    }
  }
  void finish_input() {
    ended_ = true;
    flush_raw();
    if (tap_ != nullptr) tap_->end_marker();
    at_ = chunk_.size();
    while (fill()) at_ = chunk_.size();
  }

  template <class Visit>
  void for_each_record(Visit const& visit) const {
    try {
      for_each_pax_record(pax_, visit);
    } catch (Error const& e) {
      if (e.code() != Errc::corrupt_archive) throw;
      throw damaged(e.subject());
    }
  }
  char read_block(Bytes block, TarHeader& header) const;
  void finish_header(char type, TarHeader& header) const;

  Reader& in_;
  TarBudgets budgets_;
  RawTap* tap_;
  Bytes chunk_ = {};
  std::size_t at_ = 0;        // first byte of chunk_ not consumed
  std::size_t told_ = 0;      // first byte of chunk_ not told to the tap
  std::uint64_t before_ = 0;  // bytes of the chunks before chunk_
  std::uint64_t header_at_ = 0;
  std::uint64_t left_ = 0;   // of the current payload
  std::size_t padding_ = 0;  // after it
  std::uint64_t entries_ = 0;
  bool ended_ = false;
  std::array<std::byte, tar_block> split_ = {};  // a header that lies in two chunks
  std::string long_name_ = {};
  std::string long_link_ = {};
  std::string pax_ = {};
};

/// Reads the fixed fields; returns the type flag as it stands there.
inline char TarReader::read_block(Bytes block, TarHeader& header) const {
  using namespace detail;
  char const type = static_cast<char>(block[field_type.at]);
  try {
    auto const sums = sum_of(block);
    auto const sum = read_number(field_of(block, field_checksum));
    if (sum != sums.of_unsigned && sum != sums.of_signed) throw Error(Errc::corrupt_archive, "checksum");
    auto const name = text_of(block, field_name);
    auto const magic = as_text(field_of(block, field_magic));
    bool const ustar = magic.starts_with(std::string_view("ustar\0", 6));
    bool const gnu = magic == std::string_view("ustar  \0", 8);
    bool const star = ustar && as_text(field_of(block, field_star_magic)) == std::string_view("tar\0", 4);
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
    std::string_view prefix;
    if (ustar || gnu) {
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
    }
    auto const time_of = [&](TarField f) {
      return FileTime{.seconds = read_number(field_of(block, f)), .nanoseconds = 0};
    };
    if (star) {
      prefix = text_of(block, field_star_prefix);
      header.atime = time_of(field_star_atime);
      header.ctime = time_of(field_star_ctime);
    } else if (ustar) {
      prefix = text_of(block, field_prefix);
    } else if (gnu) {
      // Writers of before 2017 put a prefix here, into what are times in this format; Go's reader forgives them.
      auto const gnu_time = [&](TarField f) -> std::optional<FileTime> {
        if (block[f.at] == std::byte{0}) return {};
        return time_of(f);
      };
      try {
        header.atime = gnu_time(field_gnu_atime);
        header.ctime = gnu_time(field_gnu_ctime);
      } catch (Error const&) {
        header.atime.reset();
        if (auto const text = text_of(block, field_prefix); is_ascii(text)) prefix = text;
      }
    }
    if (prefix.empty()) {
      header.name = name;
    } else {
      header.name = prefix;
      header.name += '/';
      header.name += name;
    }
  } catch (Error const& e) {
    throw damaged(e.subject());
  }
  if (header.size < 0) throw damaged("a negative size");
  return type;
}

/// Brings in what the extended headers said, and settles the type.
inline void TarReader::finish_header(char type, TarHeader& header) const {
  bool sparse = type == 'S';
  std::map<std::string_view, std::string_view> xattrs;
  std::uint64_t xattr_bytes = 0;
  auto const record = [&](std::string_view key, std::string_view value) {
    constexpr std::string_view xattr = "SCHILY.xattr.";
    if (key.starts_with(xattr)) {
      key.remove_prefix(xattr.size());
      xattr_bytes += key.size() + value.size();
      if (xattr_bytes > budgets_.xattr_bytes)
        throw over("bytes of extended attributes", budgets_.xattr_bytes);
      xattrs.insert_or_assign(key, value);  // the last record of a key counts
      return;
    }
    if (key.starts_with("GNU.sparse.")) sparse = true;
    if (value.empty()) return;  // takes back what a global header said: the fixed fields hold
    if (key == "path" || key == "GNU.sparse.name") header.name = value;
    if (key == "linkpath") header.link_name = value;
    if (key == "uname") header.user_name = value;
    if (key == "gname") header.group_name = value;
    if (key == "uid") header.uid = read_decimal(value);
    if (key == "gid") header.gid = read_decimal(value);
    if (key == "size") header.size = read_decimal(value);
    if (key == "mtime") header.mtime = read_pax_time(value);
    if (key == "atime") header.atime = read_pax_time(value);
    if (key == "ctime") header.ctime = read_pax_time(value);
  };
  for_each_record(record);
  for (auto const& [key, value] : xattrs) header.xattrs.emplace_back(key, value);
  if (auto const n = std::string_view(long_name_.c_str()); !n.empty()) header.name = n;
  if (auto const n = std::string_view(long_link_.c_str()); !n.empty()) header.link_name = n;
  if (header.name.size() > budgets_.path_bytes) throw over("bytes of a name", budgets_.path_bytes);
  if (header.link_name.size() > budgets_.path_bytes) throw over("bytes of a link name", budgets_.path_bytes);
  if (sparse) throw Error(Errc::unsupported, "sparse file " + header.name + " in an archive");
  if (header.size < 0) throw damaged("a negative size");

  if (type == '\0') type = header.name.ends_with('/') ? '5' : '0';
  if (type == '7') type = '0';  // "contiguous" is a regular file to all but a few old systems
  if (type < '0' || type > '6') {
    auto const flag = static_cast<unsigned char>(type);
    auto const shown = flag > 0x20 && flag < 0x7f ? std::string(1, type) : std::to_string(flag);
    throw Error(Errc::unsupported, "entry " + header.name + " of type '" + shown + "' in an archive");
  }
  header.type = static_cast<EntryType>(type);
  if (header.type != EntryType::regular) header.size = 0;  // some writers give a hard link its file's size
}

}  // namespace strata::archive

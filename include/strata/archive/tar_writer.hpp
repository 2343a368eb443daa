#pragma once

#include <strata/archive/gathering_writer.hpp>
#include <strata/archive/tar_header.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

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
  void add(TarHeader const& header, Reader* body = nullptr);

  /// Writes payload of the entry added last.
  void write(Bytes bytes) override;

  /// Writes the end marker, two zero blocks. Nothing can be added afterwards.
  void finish();

 private:
  using Records = std::map<std::string, std::string>;  // PAX headers hold them sorted

  void end_entry();

  static std::int64_t size_of(TarHeader const& h) { return h.type == EntryType::regular ? h.size : 0; }

  /// Splits a name at a slash into the ustar prefix and name fields; empty if no slash fits.
  static std::optional<std::pair<std::string_view, std::string_view>> split(std::string_view name);

  /// The records of a PAX header for what the fixed fields cannot hold; empty if ustar suffices. Once there
  /// is another reason for a PAX header, a long name that ustar could split is recorded as well, since the
  /// two methods are not mixed.
  static std::optional<Records> pax_records(TarHeader const& h);

  struct Block {
    std::array<char, tar_block> bytes = {};
    void put(detail::TarField f, std::string_view text);
    void put(detail::TarField f, std::int64_t value);
    void seal();
  };
  void put(Block& block);

  static std::string ascii_of(std::string_view text);

  /// "<directory>/PaxHeaders.0/<base>"
  static std::string pax_name(std::string_view name);

  void put_pax(TarHeader const& header, Records const& records);

  void put_header(TarHeader const& header, bool const with_pax);

  GatheringWriter out_;
  std::string name_ = {};  // of the current entry, for error messages
  std::uint64_t left_ = 0;
  std::size_t padding_ = 0;
};

}  // namespace strata::archive

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/archive/tar_writer.ipp>
#endif

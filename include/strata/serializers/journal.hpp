#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/separate.hpp>
#include <strata/serializers/json_fields.hpp>
#include <strata/serializers/json_reader.hpp>
#include <strata/serializers/json_text.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace strata::serializers {

/// Serializer to an append-only log with checksums: a change costs the same among 10 records and 100,000.
///
/// The format is strata's own, as readable text:
///
///     strata journal 1 log overlay
///     frame 000000b7 5f1c07a3
///     put layers 4:base {"id":"base","created":"2026-11-23T16:56:22.394348017Z"}
///     erase images 3:old
///
/// A frame line has the hexadecimal length of the bytes after it, and the CRC-32C of these bytes and of the
/// line up to it. Records are JSON objects by field name, so unknown keys of other versions are kept; bytes
/// that are not UTF-8 are stored as they are. Ids are preceded by their length, since they may contain a line
/// break. A separate file (mount counts) is `strata journal 1 records` and one frame, one record per line.
struct Journal {
  static constexpr std::string_view name() noexcept { return "journal"; }
  static constexpr std::string_view extension() noexcept { return "journal"; }

  // Whole files.

  /// @throws `Errc::corrupt_record` if a flag or an unknown key holds text that is not JSON
  template <class Record>
  static std::string encode(std::span<Row<Record> const> rows, std::span<std::string const> unreadable) {
    std::string body;
    for (auto const& row : rows) {
      json::write_value(body, *row, json::BadUtf8::keep);
      body += '\n';
    }
    for (auto const& element : unreadable) {
      json::write_value(body, RawJson{element}, json::BadUtf8::keep);
      body += '\n';
    }
    return std::string(records_line) + framed(body);
  }

  template <class Record>
  static Decoded<Record> decode(std::string_view bytes) {
    Decoded<Record> out;
    if (bytes.empty()) return out;
    if (!bytes.starts_with(records_line)) throw damaged(0, "\"strata journal 1 records\" expected");
    auto const frame = frame_at(bytes.substr(records_line.size()));
    if (frame.size == 0 || records_line.size() + frame.size != bytes.size())
      throw damaged(records_line.size(), "does not check out");
    std::string_view body = frame.body;
    while (!body.empty()) {
      auto const line = body.substr(0, body.find('\n'));
      body.remove_prefix(line.size() < body.size() ? line.size() + 1 : line.size());
      if (auto record = read<Record>(line))
        out.records.push_back(*std::move(record));
      else
        out.unreadable.push_back(json::read_raw(line, json::BadUtf8::keep));  // verbatim
    }
    return out;
  }

  // The log.

  static std::string log_header(std::string_view driver);

  static std::size_t read_log_header(std::string_view bytes, std::string_view driver);

  template <class Record>
  static std::string encode_put(std::string_view kind, Record const& record) {
    std::string out = change("put ", kind, record.id);
    out += ' ';
    json::write_value(out, record, json::BadUtf8::keep);
    return out += '\n';
  }

  static std::string encode_erase(std::string_view kind, std::string_view id);

  static std::string frame(std::span<std::string const> changes);

  /// @throws `Errc::corrupt_record` if a frame with a valid checksum has contents that this version does not
  ///   know
  template <class Visit>
  static std::size_t read_frames(std::string_view bytes, Visit&& visit) {
    std::size_t at = 0;
    for (;;) {
      auto const frame = frame_at(bytes.substr(at));
      if (frame.size == 0) return at;
      for (std::string_view body = frame.body; !body.empty();) {
        auto const change = change_at(body);
        if (change.encoded.empty()) throw damaged(at, "holds an unknown kind of change");
        visit(change);
        body.remove_prefix(change.encoded.size());
      }
      at += frame.size;
    }
  }

  static bool frame_follows(std::string_view bytes);

  template <class Record>
  static Record decode_record(std::string_view bytes) {
    auto record = read<Record>(bytes);
    if (!record) throw Error(Errc::corrupt_record, "record of another shape");
    return *std::move(record);
  }

 private:
  static constexpr std::string_view records_line = "strata journal 1 records\n";
  static constexpr std::string_view log_line = "strata journal 1 log ";
  static constexpr std::string_view frame_word = "frame ";
  static constexpr std::size_t checked_size = frame_word.size() + 9;    // "frame 000000b7 "
  static constexpr std::size_t frame_line_size = checked_size + 8 + 1;  // "5f1c07a3\n"

  struct Frame {
    std::string_view body = {};
    std::size_t size = 0;  // of the whole frame; 0: incomplete
  };

  static Error damaged(std::size_t at, std::string_view what);

  static void append_hex(std::string& out, std::uint32_t value);
  static bool read_hex(std::string_view text, std::uint32_t& value);

  /// @throws `Errc::over_budget` if the changes of one frame exceed 4 GiB
  static std::string framed(std::string_view body);

  static Frame frame_at(std::string_view bytes);

  static std::string change(std::string_view verb, std::string_view kind, std::string_view id);

  /// Parses the change that `body` begins with; `encoded` is empty if there is none.
  static LogChange change_at(std::string_view body);

  template <class Record>
  static std::optional<Record> read(std::string_view text) {
    auto record = json::read_record<Record>(text, json::BadUtf8::keep);
    if (record && !is_safe_component(record->id)) record.reset();
    return record;
  }
};

}  // namespace strata::serializers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/journal.ipp>
#endif

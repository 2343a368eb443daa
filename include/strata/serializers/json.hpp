#pragma once

#include <strata/concepts/serializer.hpp>
#include <strata/error.hpp>
#include <strata/id.hpp>
#include <strata/separate.hpp>
#include <strata/serializers/json_fields.hpp>
#include <strata/serializers/json_reader.hpp>
#include <strata/serializers/json_salvage.hpp>
#include <strata/serializers/json_text.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace strata::serializers {

/// Serializer to the files of containers/storage, which Podman, Buildah and Skopeo share: one array of
/// objects in one line, without spaces, as Go's encoding/json writes it.
///
/// Reads what Go reads: white space, keys in any case, `null` for unset. An element that is not an object,
/// has a known key of another type, or an id that is not a safe path component is unreadable, but kept with
/// its neighbours. Bytes that are not UTF-8 become U+FFFD; nothing else is altered by reading and writing.
/// Records that stay as they are may be written as the text that they were read from.
struct Json {
  using TextKeeper = Json;
  static constexpr std::size_t id_digits = 64;  ///< Podman refuses a store with an image whose id has fewer
  static constexpr bool podman_layout = true;   ///< no marker of the serializer is needed

  static constexpr std::string_view name() noexcept { return "json"; }
  static constexpr std::string_view extension() noexcept { return "json"; }

  /// @throws `Errc::corrupt_record` if a flag or an unknown key holds text that is not JSON
  template <class Record>
  static std::string encode(std::span<Row<Record> const> rows, std::span<std::string const> unreadable) {
    return list_of(rows, unreadable, [](std::string& out, Row<Record> const& row) {
      json::write_value(out, *row, json::BadUtf8::replace);
    });
  }

  /// The same, with the texts of rows that stayed as they are.
  template <class Record>
  static std::string encode(std::span<KeptRow<Record> const> rows, std::span<std::string const> unreadable) {
    return list_of(rows, unreadable, [](std::string& out, KeptRow<Record> const& row) {
      if (row.text.empty())
        json::write_value(out, *row.row, json::BadUtf8::replace);
      else
        out += row.text;
    });
  }

  template <class Record>
  static Decoded<Record> decode(std::string_view bytes) {
    Decoded<Record> out;
    decode_each<Record>(
        bytes, [&](Record&& record) { out.records.push_back(std::move(record)); },
        [&](std::string&& element) { out.unreadable.push_back(std::move(element)); });
    return out;
  }

  /// As `decode`, but passes on each record as soon as it is read.
  /// @throws `Errc::corrupt_record`, possibly after some records were passed on
  template <class Record, class OnRecord, class OnUnreadable>
  static void decode_each(std::string_view bytes, OnRecord&& on_record, OnUnreadable&& on_unreadable) {
    decode_list<Record>(
        bytes, [&](Record&& record, std::string_view) { on_record(std::move(record)); }, on_unreadable,
        false);
  }

  /// As `decode_each`, but passes on each record with its text, if all of the file is ASCII.
  template <class Record, class OnRecord, class OnUnreadable>
  static void decode_texts(std::string_view bytes, OnRecord&& on_record, OnUnreadable&& on_unreadable) {
    decode_list<Record>(bytes, on_record, on_unreadable, json::is_ascii(bytes));
  }

  /// Id in the text of a record; empty if it does not come first, as Go writes it, or has escapes.
  static std::string_view id_in(std::string_view text) noexcept;

  /// @throws `Errc::corrupt_record`
  template <class Record>
  static Record read_text(std::string_view text) {
    auto record = json::read_record<Record>(text, json::BadUtf8::replace);
    if (!record) throw Error(Errc::corrupt_record, "record of another shape");
    return *std::move(record);
  }

  /// Intact records of a file that was truncated or partly overwritten.
  template <class Record>
  static std::vector<Record> salvage(std::string_view bytes) {
    std::vector<Record> found;
    json::for_each_object(bytes, [&](std::string_view object) {
      try {
        auto decoded = decode<Record>('[' + std::string(object) + ']');
        if (decoded.records.empty()) return false;
        found.push_back(std::move(decoded.records.front()));
        return true;
      } catch (Error const&) {
        return false;
      }
    });
    return found;
  }

  /// True if a text is read back unchanged; required for those that become file names.
  static bool keeps(std::string_view text) noexcept { return json::is_utf8(text); }

  /// Digests of an image's uncompressed layers from its configuration, base layer first (OCI image
  /// specification, "rootfs"); empty if the text is no configuration.
  static std::vector<std::string> layer_digests(std::string_view configuration);

 private:
  template <class Rows, class Write>
  static std::string list_of(Rows const& rows, std::span<std::string const> unreadable, Write&& write) {
    std::string out;
    out.reserve(rows.size() * 768 + 2);  // untouched pages cost nothing
    out += '[';
    for (auto const& row : rows) {
      write(out, row);
      out += ',';
    }
    for (auto const& element : unreadable) {
      json::write_value(out, RawJson{element}, json::BadUtf8::replace);
      out += ',';
    }
    if (out.size() > 1) out.pop_back();
    out += ']';
    return out;
  }

  template <class Record, class OnRecord, class OnUnreadable>
  static void decode_list(std::string_view bytes, OnRecord&& on_record, OnUnreadable&& on_unreadable,
                          bool with_texts) {
    if (bytes.empty()) return;
    struct Each final : json::Receiver {
      OnRecord& on_record;
      OnUnreadable& on_unreadable;
      std::optional<Record> record = {};

      Each(OnRecord& records, OnUnreadable& others) : on_record(records), on_unreadable(others) {}
      json::Slot begin() override { return json::slot_of(record.emplace()); }
      bool end() override {
        if (!is_safe_component(record->id)) return false;
        on_record(std::move(*record), text);
        return true;
      }
      void unreadable(std::string&& element) override { on_unreadable(std::move(element)); }
    } each(on_record, on_unreadable);
    each.wants_text = with_texts;
    json::read(bytes, each, json::Document::list, json::BadUtf8::replace);
  }
};

}  // namespace strata::serializers

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json.ipp>
#endif

#pragma once

#include <strata/error.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// A shared, immutable record of a table.
template <class Record>
using Row = std::shared_ptr<Record const>;

/// A row that may still be as it was read.
template <class Record>
struct KeptRow {
  Row<Record> row = {};        ///< may be null if there is a text
  std::string_view text = {};  ///< of the record in the file; empty: to be encoded from `row`
};

/// Result of `decode`.
template <class Record>
struct Decoded {
  std::vector<Record> records;
  /// Bytes of elements that are not records, to be written back unchanged.
  std::vector<std::string> unreadable;
};

/// Converts the records of one kind to the bytes of one file and back.
///
/// - `S::name()`  the serializer's name, recorded in the store, which other serializers then cannot open
/// - `S::extension()`  of the file's name, without the dot
/// - `S::encode(rows, unreadable)`  the whole file
/// - `S::decode<Record>(bytes)`  `decode(encode(rows))` equals `rows`, including unknown keys; empty bytes
///   are an empty list; `Errc::corrupt_record` if the bytes as a whole cannot be parsed
///
/// Optional: `S::keeps(text)`, false for an id or a key that decoding would not reproduce; the store then
/// refuses it. All functions are pure. Members come from `Record::fields` (records/record.hpp).
/// `testing::serializer_suite<S>` checks what this concept cannot.
template <class S, class Record>
concept SerializerFor = requires(std::span<Row<Record> const> rows, std::span<std::string const> unreadable,
                                 std::string_view bytes) {
  { S::name() } -> std::convertible_to<std::string_view>;
  { S::extension() } -> std::convertible_to<std::string_view>;
  { S::encode(rows, unreadable) } -> std::same_as<std::string>;
  { S::template decode<Record>(bytes) } -> std::same_as<Decoded<Record>>;
};

/// Can also pass on the text of each record, so that a file is read without making a row of each record, and
/// written without encoding those that stayed.
///
/// - `S::TextKeeper`  `S`; so that a serializer that derives from `S`, and may read or write otherwise, keeps
///   no texts unless it says so
/// - `S::decode_texts<Record>(bytes, on_record, on_unreadable)`  calls `on_record(record, text)` for each, and
///   `on_unreadable(element)`; `text` is a view of `bytes`, or empty if it cannot be written back as it is
/// - `S::id_in(text)`  the record's id as a view of such a text; empty if it has to be decoded
/// - `S::read_text<Record>(text)`  the record again
/// - `S::encode(rows, unreadable)`  also for `KeptRow`
template <class S, class Record>
concept TextKeepingSerializerFor = SerializerFor<S, Record> && std::same_as<typename S::TextKeeper, S> &&
    requires(std::span<KeptRow<Record> const> rows, std::span<std::string const> unreadable,
             std::string_view text, void (*on_record)(Record&&, std::string_view),
             void (*on_unreadable)(std::string&&)) {
  { S::template decode_texts<Record>(text, on_record, on_unreadable) } -> std::same_as<void>;
  { S::id_in(text) } -> std::same_as<std::string_view>;
  { S::template read_text<Record>(text) } -> std::same_as<Record>;
  { S::encode(rows, unreadable) } -> std::same_as<std::string>;
};

/// Result of `S::keeps`; true for a serializer without it.
template <class S>
bool keeps(std::string_view text) noexcept {
  if constexpr (requires {
                  { S::keeps(text) } -> std::same_as<bool>;
                })
    return S::keeps(text);
  else
    return true;
}

/// One change in a log, as views of the log's bytes.
struct LogChange {
  std::string_view kind = {};     ///< "layers", "images", "containers"
  std::string_view id = {};       ///< of the record
  std::string_view record = {};   ///< input of `decode_record`; empty: the record was erased
  std::string_view encoded = {};  ///< the change as returned by `encode_put` or `encode_erase`
};

/// Can also encode single changes; the store then keeps one log for all three kinds.
///
/// A log is a header and frames. The changes of a frame take effect together; an incomplete or invalid frame
/// ends the log.
///
/// - `S::log_header(driver)`  first bytes of a log, naming serializer and driver
/// - `S::read_log_header(bytes, driver)`  length of the header; `Errc::store_mismatch` if another serializer
///   or driver wrote it, `Errc::corrupt_record` if it is not a log
/// - `S::encode_put(kind, record)`, `S::encode_erase(kind, id)`  one change
/// - `S::frame(changes)`  several encoded changes as one frame
/// - `S::read_frames(bytes, visit)`  calls `visit(LogChange)` for each change in the complete frames that
///   `bytes` begins with, in order; returns the length of those frames. A frame is verified before any of its
///   changes is visited
/// - `S::frame_follows(bytes)`  true if a complete frame starts anywhere in `bytes`: what ended the log was
///   then damage, not an incomplete write
/// - `S::decode_record<Record>(bytes)`  the record of a put, equal to the encoded one, including unknown
///   keys; `Errc::corrupt_record`
template <class S, class Record>
concept AppendingSerializerFor = SerializerFor<S, Record> &&
    requires(Record const& record, std::string_view text, std::span<std::string const> changes,
             void (*visit)(LogChange const&)) {
  { S::log_header(text) } -> std::same_as<std::string>;
  { S::read_log_header(text, text) } -> std::same_as<std::size_t>;
  { S::encode_put(text, record) } -> std::same_as<std::string>;
  { S::encode_erase(text, text) } -> std::same_as<std::string>;
  { S::frame(changes) } -> std::same_as<std::string>;
  { S::read_frames(text, visit) } -> std::same_as<std::size_t>;
  { S::frame_follows(text) } -> std::same_as<bool>;
  { S::template decode_record<Record>(text) } -> std::same_as<Record>;
};

}  // namespace strata

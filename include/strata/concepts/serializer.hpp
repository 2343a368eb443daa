#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strata {

/// The rows of a table as they are shared: immutable records.
template <class Record>
using Row = std::shared_ptr<Record const>;

/// What `decode` makes of a file.
template <class Record>
struct Decoded {
  std::vector<Record> records;
  /// Elements that are no records, as bytes, to be written back unchanged.
  std::vector<std::string> unreadable;
};

/// Turns the records of one kind into the bytes of one file and back.
///
/// - `S::name()`              word recorded in the store, which then opens with no other serializer
/// - `S::extension()`         of the file's name, without the dot
/// - `S::encode(rows, unreadable)`  the whole file
/// - `S::decode<Record>(bytes)`     `decode(encode(rows))` equals `rows`, unknown keys included; empty bytes are an
///                            empty list; `Errc::corrupt_record` if the bytes as a whole cannot be read
/// Optional: `S::keeps(text)`, false for an id or a key that would come back as another; the store then refuses it.
/// All are pure. Members come from `Record::fields` (records/record.hpp).
/// `testing::serializer_suite<S>` checks what this concept cannot.
template <class S, class Record>
concept SerializerFor = requires(std::span<Row<Record> const> rows, std::span<std::string const> unreadable,
                                 std::string_view bytes) {
  { S::name() } -> std::convertible_to<std::string_view>;
  { S::extension() } -> std::convertible_to<std::string_view>;
  { S::encode(rows, unreadable) } -> std::same_as<std::string>;
  { S::template decode<Record>(bytes) } -> std::same_as<Decoded<Record>>;
};

/// As `S::keeps`; of a serializer without it, true.
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
  std::string_view record = {};   ///< what `decode_record` takes; empty: the record was erased
  std::string_view encoded = {};  ///< the change as `encode_put` or `encode_erase` gave it
};

/// Can also write one change instead of all records; the store then keeps one log for its three kinds.
///
/// A log is a header and frames. A frame holds the changes that become true together; one that was cut short or
/// does not check out ends the log.
///
/// - `S::log_header(driver)`        first bytes of a log, naming serializer and driver
/// - `S::read_log_header(bytes, driver)`  their length; `Errc::store_mismatch` if another serializer or driver wrote
///                                  it, `Errc::corrupt_record` if it is no log
/// - `S::encode_put(kind, record)`, `S::encode_erase(kind, id)`  one change
/// - `S::frame(changes)`            several encoded changes as one frame
/// - `S::read_frames(bytes, visit)` calls `visit(LogChange)` for each change in the whole frames that `bytes` begins
///                                  with, in order; returns the length of those frames. No change of a frame is
///                                  seen before all of it has been checked
/// - `S::frame_follows(bytes)`      whether a whole frame starts anywhere in `bytes`: what ended the log was then
///                                  damage and not a write that was cut short
/// - `S::decode_record<Record>(bytes)`  the record of a put, equal to what was encoded, unknown keys included;
///                                  `Errc::corrupt_record`
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

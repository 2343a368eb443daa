#pragma once

#include <strata/serializers/json_slot.hpp>
#include <strata/serializers/json_text.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Reads records from JSON (RFC 8259): events of Boost.JSON's parser fill the records directly, without an
/// intermediate tree. 10,000 layers of 467 bytes take 9,800 instructions per layer (g++ 12 -O2, freeing
/// included), 1.3 times those of a scanner written for just these records, and 1.5 times its time.
namespace strata::serializers::json {

/// Receives the values of a text, one at a time.
class Receiver {
 public:
  /// Slot for the next value. A further call without `end` or `unreadable` in between discards the partial
  /// value: it is parsed again.
  virtual Slot begin() = 0;
  /// The value is complete. @return false if it is not acceptable and counts as unreadable
  virtual bool end() = 0;
  /// A value of another shape, as compact JSON text.
  virtual void unreadable(std::string&& text) = 0;

  bool wants_text = false;     ///< `text` is to be set
  std::string_view text = {};  ///< of the complete value, in `end`; empty if Boost.JSON rejects the whole

 protected:
  ~Receiver() = default;
};

/// Shape of a text.
enum class Document {
  value,  ///< one value for the receiver
  list,   ///< an array of them; `null` for an empty one
};

/// Parses a text in one pass. At most 500 nested levels (100 KB of stack), where Go accepts 10,000: a record
/// has three, and a thread's stack may be small.
///
/// If Boost.JSON rejects the text, it is parsed once more after `lenient`; values that the receiver already
/// has are skipped.
/// @throws `Errc::corrupt_record` with the position, possibly after the receiver got some values
void read(std::string_view text, Receiver& receiver, Document document, BadUtf8 bad);

/// One record; none if the text is JSON of another shape.
template <HasFields Record>
std::optional<Record> read_record(std::string_view text, BadUtf8 bad) {
  struct One final : Receiver {
    std::optional<Record> record = {};
    Slot begin() override { return slot_of(record.emplace()); }
    bool end() override { return true; }
    void unreadable(std::string&&) override { record.reset(); }
  } one;
  read(text, one, Document::value, bad);
  return std::move(one.record);
}

/// Any value, as compact JSON text.
std::string read_raw(std::string_view text, BadUtf8 bad);

}  // namespace strata::serializers::json

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/serializers/json_reader.ipp>
#endif

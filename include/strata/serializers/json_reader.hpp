#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>
#include <strata/serializers/json_position.hpp>
#include <strata/serializers/json_slot.hpp>
#include <strata/serializers/json_text.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

namespace detail {

/// Handler for Boost.JSON's parser that stores values in slots.
///
/// A value that its slot does not accept makes the receiver's enclosing value unreadable; the rest of that is
/// only validated and kept as text. Nothing is stored within such a value, nor within one that is wanted as
/// text (`quiet_`).
class Events {
 public:
  using error_code = boost::json::error_code;
  using string_view = boost::json::string_view;
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  struct Options {
    std::string_view text = {};           ///< source of values kept as text; as long as the parsed text
    Document document = Document::value;  ///< shape of it
    std::size_t known = 0;                ///< number of leading values that the receiver already has
    BadUtf8 bad = BadUtf8::keep;
  };

  Events(std::string_view parsed, Receiver& receiver, Options const& options);

  /// Number of values that the receiver has.
  std::size_t known() const noexcept { return options_.known; }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  bool on_object_begin(error_code& error);
  bool on_array_begin(error_code&);
  bool on_object_end(std::size_t, error_code&) { return end(); }
  bool on_array_end(std::size_t, error_code&) { return end(); }

  bool on_key_part(string_view part, std::size_t, error_code&) { return gather(part); }
  bool on_key(string_view part, std::size_t, error_code&);
  bool on_string_part(string_view part, std::size_t, error_code&) { return gather(part); }
  bool on_string(string_view part, std::size_t, error_code& error);
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, string_view text, error_code& error);
  bool on_uint64(std::uint64_t, string_view text, error_code& error);
  /// Other programs' libraries write integers as 1.0 or 1e3, and Go accepts that.
  bool on_double(double value, string_view text, error_code& error);
  bool on_bool(bool, error_code& error);
  bool on_null(error_code& error);

 private:
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  bool no_list(error_code& error) const;

  bool gather(string_view part);

  /// The string that ends with this part; valid until the next event.
  std::string_view whole(string_view part);

  /// Slot for the next value.
  Slot next();

  template <class Fits>
  bool begin(Fits&& fits) {
    if (quiet_ == never) {
      Slot const slot = next();
      if (is_quiet(slot)) {
        be_quiet(slot);
      } else if (fits(*slot.takes)) {
        if (slot.takes->clear != nullptr) slot.takes->clear(slot.place);
        open_.emplace_back(slot);
      } else {
        spoil();
      }
    }
    return enter();
  }

  bool enter();

  bool end();

  template <class Put>
  bool scalar(std::string_view token, std::size_t quote, error_code& error, Put&& put) {
    if (depth_ < outside_) return no_list(error);
    if (quiet_ != never) {
      position_.pass(token, quote);
      return true;
    }
    Slot const slot = next();
    if (is_quiet(slot)) {
      be_quiet(slot);
      position_.pass(token, quote);
      end_quiet();
    } else {
      if (!put(slot)) spoil();
      position_.pass(token, quote);
    }
    if (depth_ == outside_) {
      quiet_ = never;
      finish();
    }
    return true;
  }

  static bool is_quiet(Slot slot) noexcept { return slot.takes == nullptr || slot.takes->raw != nullptr; }

  void be_quiet(Slot slot);

  void end_quiet();

  void spoil();

  void finish();

  std::string cut(std::size_t from) { return compact(options_.text.substr(from, position_.behind() - from)); }

  Options options_;
  Receiver* receiver_;
  std::size_t outside_;  // depth of the receiver's values
  Position position_;
  Position start_;  // before the receiver's value
  std::size_t depth_ = 0;
  std::size_t seen_ = 0;
  bool spoiled_ = false;
  std::size_t quiet_ = never;  // depth of the value to skip
  Slot as_text_;               // slot for its text
  std::size_t text_start_ = 0;
  Slot member_;  // slot for the value of the last key
  std::vector<OpenSlot> open_;
  std::string gathered_;  // parts of a string
};

}  // namespace detail

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

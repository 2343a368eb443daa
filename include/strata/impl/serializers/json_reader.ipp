#pragma once

#include <strata/error.hpp>
#include <strata/records/record.hpp>
#include <strata/separate.hpp>
#include <strata/serializers/json_lenient.hpp>
#include <strata/serializers/json_position.hpp>
#include <strata/serializers/json_reader.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace strata::serializers::json::detail {

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

STRATA_INLINE Events::Events(std::string_view parsed, Receiver& receiver, Options const& options)
    : options_(options),
      receiver_(&receiver),
      outside_(options.document == Document::list ? 1 : 0),
      position_(parsed),
      start_(parsed) {
  open_.reserve(4);
}

STRATA_INLINE bool Events::on_object_begin(error_code& error) {
  if (depth_ < outside_) return no_list(error);
  return begin([](Takes const& takes) { return takes.entry != nullptr; });
}

STRATA_INLINE bool Events::on_array_begin(error_code&) {
  if (depth_ < outside_) return enter();
  return begin([](Takes const& takes) { return takes.element != nullptr; });
}

STRATA_INLINE bool Events::on_key(string_view part, std::size_t, error_code&) {
  position_.pass({part.data(), part.size()}, 1);
  if (quiet_ == never) member_ = open_.back().member(whole(part));
  gathered_.clear();
  return true;
}

STRATA_INLINE bool Events::on_string(string_view part, std::size_t, error_code& error) {
  bool const done = scalar({part.data(), part.size()}, 1, error, [&](Slot slot) {
    return slot.takes->text != nullptr && slot.takes->text(slot.place, whole(part));
  });
  gathered_.clear();
  return done;
}

STRATA_INLINE bool Events::on_int64(std::int64_t value, string_view text, error_code& error) {
  return scalar({text.data(), text.size()}, 0, error, [value](Slot slot) {
    return slot.takes->integer != nullptr && slot.takes->integer(slot.place, value);
  });
}

STRATA_INLINE bool Events::on_uint64(std::uint64_t, string_view text, error_code& error) {
  return scalar({text.data(), text.size()}, 0, error, [](Slot) { return false; });
}

STRATA_INLINE bool Events::on_double(double value, string_view text, error_code& error) {
  constexpr double exact = std::int64_t{1} << std::numeric_limits<double>::digits;
  if (value > -exact && value < exact && std::trunc(value) == value)
    return on_int64(static_cast<std::int64_t>(value), text, error);
  return scalar({text.data(), text.size()}, 0, error, [](Slot) { return false; });
}

STRATA_INLINE bool Events::on_bool(bool, error_code& error) {
  return scalar({}, 0, error, [](Slot) { return false; });
}

STRATA_INLINE bool Events::on_null(error_code& error) {
  if (depth_ < outside_) return true;
  return scalar({}, 0, error, [](Slot) { return true; });
}

STRATA_INLINE bool Events::no_list(error_code& error) const {
  error = boost::json::error::not_array;
  return false;
}

STRATA_INLINE bool Events::gather(string_view part) {
  if (quiet_ == never) gathered_.append(part.data(), part.size());
  return true;
}

STRATA_INLINE auto Events::whole(string_view part) -> std::string_view {
  std::string_view const last(part.data(), part.size());
  if (gathered_.empty() && options_.bad == BadUtf8::keep) return last;
  gathered_.append(last);
  if (options_.bad == BadUtf8::replace) replace_bad_utf8(gathered_);
  return gathered_;
}

STRATA_INLINE Slot Events::next() {
  if (depth_ != outside_) {
    auto const& in = open_.back().slot;
    return in.takes->element != nullptr ? in.takes->element(in.place) : member_;
  }
  start_ = position_;
  spoiled_ = false;
  return seen_ < options_.known ? Slot{} : receiver_->begin();
}

STRATA_INLINE bool Events::enter() {
  position_.pass();
  ++depth_;
  return true;
}

STRATA_INLINE bool Events::end() {
  position_.pass();
  --depth_;
  if (depth_ < outside_) return true;
  if (quiet_ == never)
    open_.pop_back();
  else if (depth_ == quiet_)
    end_quiet();
  if (depth_ == outside_) finish();
  return true;
}

STRATA_INLINE void Events::be_quiet(Slot slot) {
  quiet_ = depth_;
  as_text_ = slot;
  if (slot.takes != nullptr) text_start_ = position_.ahead();
}

STRATA_INLINE void Events::end_quiet() {
  quiet_ = never;
  if (as_text_.takes != nullptr) as<RawJson>(as_text_.place).*as_text_.takes->raw = cut(text_start_);
  as_text_ = {};
}

STRATA_INLINE void Events::spoil() {
  spoiled_ = true;
  open_.clear();
  quiet_ = outside_;
  as_text_ = {};
}

STRATA_INLINE void Events::finish() {
  if (seen_++ < options_.known) return;
  options_.known = seen_;
  if (receiver_->wants_text && !spoiled_) {
    auto const from = start_.ahead();
    receiver_->text = options_.text.substr(from, position_.behind() - from);
  }
  if (spoiled_ || !receiver_->end()) receiver_->unreadable(cut(start_.ahead()));
}

}  // namespace strata::serializers::json::detail

namespace strata::serializers::json {

STRATA_INLINE void read(std::string_view text, Receiver& receiver, Document document, BadUtf8 bad) {
  detail::Events::Options options{.text = text, .document = document};
  boost::json::error_code error;
  std::size_t used = 0;
  auto const parse = [&](std::string_view parsed, bool any_bytes) {
    boost::json::basic_parser<detail::Events> parser(
        boost::json::parse_options{.max_depth = 500, .allow_invalid_utf8 = any_bytes}, parsed, receiver,
        options);
    used = parser.write_some(false, parsed.data(), parsed.size(), error);
    if (!error && used != parsed.size()) error = boost::json::error::extra_data;
    options.known = parser.handler().known();
    return !error;
  };
  if (parse(text, bad == BadUtf8::keep || is_ascii(text))) return;
  options.bad = bad;
  receiver.wants_text = false;
  receiver.text = {};
  if (!parse(lenient(text), true))
    throw Error(Errc::corrupt_record, "byte " + std::to_string(used) + ": " + error.message());
}

STRATA_INLINE std::string read_raw(std::string_view text, BadUtf8 bad) {
  struct One final : Receiver {
    RawJson value = {};
    Slot begin() override { return slot_of(value); }
    bool end() override { return true; }
    void unreadable(std::string&&) override {}
  } one;
  read(text, one, Document::value, bad);
  return std::move(one.value.text);
}

}  // namespace strata::serializers::json

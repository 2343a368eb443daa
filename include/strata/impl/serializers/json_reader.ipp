#pragma once

#include <strata/records/record.hpp>
#include <strata/serializers/json_lenient.hpp>
#include <strata/serializers/json_reader.hpp>

namespace strata::serializers::json::detail {

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

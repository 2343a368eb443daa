#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/serializer.hpp>
#include <strata/error.hpp>
#include <strata/records/container.hpp>
#include <strata/records/image.hpp>
#include <strata/records/layer.hpp>
#include <strata/records/own_fields.hpp>
#include <strata/records/record.hpp>
#include <strata/testing/random_records.hpp>

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace strata::testing {

namespace detail {

template <class Record>
std::vector<std::string> described(std::vector<Record> const& records) {
  std::vector<std::string> out;
  for (auto const& record : records) out.push_back(describe(record));
  return out;
}

/// Error code that a call threw; success if it returned. Anything but an `Error` fails the test.
template <class Call>
std::error_code error_of(Call&& call) {
  try {
    call();
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

template <class S, class Record>
void check_files(std::uint32_t seed) {
  RandomRecords random(seed);
  std::span<std::string const> const none;
  auto const encode = [&](std::vector<Row<Record>> const& rows, std::span<std::string const> unreadable) {
    return S::encode(std::span<Row<Record> const>(rows), unreadable);
  };
  auto const decode = [](std::string_view bytes) { return S::template decode<Record>(bytes); };

  INFO("no bytes and no records are an empty list");
  CHECK(decode("").records.empty());
  CHECK(decode(encode({}, none)).records.empty());

  for (std::size_t const count : {1U, 2U, 7U, 40U}) {
    std::vector<Row<Record>> rows;
    std::vector<std::string> wanted;
    for (std::size_t i = 0; i < count; ++i) {
      rows.push_back(std::make_shared<Record const>(random.make<Record>()));
      wanted.push_back(describe(*rows.back()));
    }
    INFO("records come back whole and in order, and encoding them again gives the same bytes");
    auto const bytes = encode(rows, none);
    auto const back = decode(bytes);
    CHECK(described(back.records) == wanted);
    CHECK(back.unreadable.empty());
    std::vector<Row<Record>> again;
    for (auto const& record : back.records) again.push_back(std::make_shared<Record const>(record));
    CHECK(encode(again, back.unreadable) == bytes);
  }

  INFO("bytes that are not UTF-8 may be replaced, once; the record and its neighbours stay");
  auto odd = random.make<Record>();
  odd.extra.emplace_back("x-\xFF\xC0\xAF", RawJson{"1"});
  Record::fields(odd, [](std::string_view key, auto& member, Presence) {
    if constexpr (std::is_same_v<std::remove_reference_t<decltype(member)>, std::string>)
      if (key != "id") member = "a\x80z\xED\xA0\x80\xF8";
  });
  std::vector<Row<Record>> rows = {std::make_shared<Record const>(odd),
                                   std::make_shared<Record const>(random.make<Record>())};
  auto const once = decode(encode(rows, none)).records;
  REQUIRE(once.size() == 2);
  CHECK(once[0].id == rows[0]->id);
  CHECK(describe(once[1]) == describe(*rows[1]));
  rows[0] = std::make_shared<Record const>(once[0]);
  CHECK(described(decode(encode(rows, none)).records) == described(once));

  INFO("damaged bytes are an Error or records, and what was read of them can be written");
  auto const bytes = encode(rows, none);
  for (int i = 0; i < 2000; ++i) {
    auto const damaged = random.damage(bytes);
    CAPTURE(i, damaged);
    auto const error = error_of([&] {
      auto const found = decode(damaged);
      std::vector<Row<Record>> kept;
      for (auto const& record : found.records) kept.push_back(std::make_shared<Record const>(record));
      auto const saved = encode(kept, found.unreadable);
      auto const reread = decode(saved);
      CHECK(reread.unreadable == found.unreadable);
      CHECK(reread.records.size() == found.records.size());
    });
    if (error) CHECK(error == Errc::corrupt_record);
  }
}

/// What `decode_texts` passed on; the texts are views of `bytes`.
template <class S, class Record>
std::pair<std::vector<std::pair<Record, std::string_view>>, std::vector<std::string>> read_texts(
    std::string_view bytes) {
  std::pair<std::vector<std::pair<Record, std::string_view>>, std::vector<std::string>> seen;
  S::template decode_texts<Record>(
      bytes,
      [&](Record&& record, std::string_view text) { seen.first.emplace_back(std::move(record), text); },
      [&](std::string&& element) { seen.second.push_back(std::move(element)); });
  return seen;
}

/// Reads bytes with and without texts, and writes them again from texts. @return how many records had one
template <class S, class Record>
std::size_t check_texts_of(std::string_view bytes) {
  auto const plain = S::template decode<Record>(bytes);
  auto const [seen, unreadable] = read_texts<S, Record>(bytes);
  CHECK(unreadable == plain.unreadable);
  REQUIRE(seen.size() == plain.records.size());
  std::size_t with_text = 0;
  std::vector<KeptRow<Record>> kept;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    auto const& [record, text] = seen[i];
    CHECK(describe(record) == describe(plain.records[i]));
    if (text.empty()) {
      kept.push_back({std::make_shared<Record const>(record), {}});
      continue;
    }
    ++with_text;
    CHECK((text.data() >= bytes.data() && text.data() + text.size() <= bytes.data() + bytes.size()));
    if (auto const id = S::id_in(text); !id.empty()) CHECK(id == record.id);
    CHECK(describe(S::template read_text<Record>(text)) == describe(record));
    kept.push_back({nullptr, text});
  }
  auto const saved = S::encode(std::span<KeptRow<Record> const>(kept), unreadable);
  auto const back = S::template decode<Record>(saved);
  CHECK(described(back.records) == described(plain.records));
  CHECK(back.unreadable == plain.unreadable);
  return with_text;
}

template <class S, class Record>
void check_texts(std::uint32_t seed) {
  RandomRecords random(seed);
  std::span<std::string const> const none;
  INFO("no bytes have no texts");
  CHECK(read_texts<S, Record>("").first.empty());
  std::vector<Row<Record>> rows;
  for (int i = 0; i < 40; ++i) {
    INFO("texts are those of the records that are decoded, and are written back as they are");
    auto record = random.make<Record>();
    if (i % 2 == 0) record.id = "plain" + std::to_string(i);
    rows.push_back(std::make_shared<Record const>(std::move(record)));
    check_texts_of<S, Record>(S::encode(std::span<Row<Record> const>(rows), none));
  }

  INFO("a row that was changed is encoded between the texts of its neighbours");
  auto const bytes = S::encode(std::span<Row<Record> const>(rows), none);
  std::vector<KeptRow<Record>> kept;
  std::vector<std::string> wanted;
  for (auto const& [record, text] : read_texts<S, Record>(bytes).first) {
    bool const changes = text.empty() || kept.size() % 3 == 1;
    auto row = std::make_shared<Record>(record);
    if (changes) row->id = "changed" + std::to_string(kept.size());
    wanted.push_back(describe(*row));
    kept.push_back({std::move(row), changes ? std::string_view() : text});
  }
  auto const saved = S::encode(std::span<KeptRow<Record> const>(kept), none);
  CHECK(described(S::template decode<Record>(saved).records) == wanted);

  INFO("of damaged bytes, the texts are as good as the records");
  for (int i = 0; i < 1000; ++i) {
    auto const damaged = random.damage(bytes);
    CAPTURE(i, damaged);
    auto const error = error_of([&] { static_cast<void>(S::template decode<Record>(damaged)); });
    CHECK(error_of([&] { static_cast<void>(read_texts<S, Record>(damaged)); }) == error);
    if (!error) check_texts_of<S, Record>(damaged);
  }
}

struct SeenChange {
  std::string kind;
  std::string id;
  std::string record;
  std::string encoded;
};

template <class S>
std::pair<std::vector<SeenChange>, std::size_t> read_log(std::string_view frames) {
  std::vector<SeenChange> seen;
  auto const length = S::read_frames(frames, [&](LogChange const& change) {
    seen.push_back({std::string(change.kind), std::string(change.id), std::string(change.record),
                    std::string(change.encoded)});
  });
  return {std::move(seen), length};
}

template <class S, class Record>
void check_log(std::uint32_t seed) {
  RandomRecords random(seed);

  INFO("the header names the driver");
  auto const header = S::log_header("overlay");
  CHECK(S::read_log_header(header + "more", "overlay") == header.size());
  CHECK(error_of([&] { S::read_log_header(header, "vfs"); }) == Errc::store_mismatch);
  CHECK(error_of([&] { S::read_log_header("[]", "overlay"); }) == Errc::corrupt_record);
  CHECK(error_of([&] { S::read_log_header("", "overlay"); }) == Errc::corrupt_record);

  INFO("changes come back in order, whatever is in their ids");
  std::vector<std::string> frames;
  std::vector<std::string> changes;  // encoded changes
  std::vector<std::size_t> changes_before = {0};
  for (int i = 0; i < 5; ++i) {
    auto record = random.make<Record>();
    if (i == 2) record.id = " 7:\n\"\\frame \xFF";
    if (i == 3) record.metadata = "not UTF-8: \xFF\xC0";
    std::vector<std::string> const together = {S::encode_put("layers", record),
                                               S::encode_erase("images", record.id)};
    changes.insert(changes.end(), together.begin(), together.end());
    frames.push_back(S::frame(std::span<std::string const>(together)));
    changes_before.push_back(changes.size());

    auto const [seen, length] = read_log<S>(frames.back());
    CHECK(length == frames.back().size());
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].kind == "layers");
    CHECK(seen[0].id == record.id);
    CHECK(seen[0].encoded == together[0]);
    CHECK(describe(S::template decode_record<Record>(seen[0].record)) == describe(record));
    CHECK(seen[1].kind == "images");
    CHECK(seen[1].id == record.id);
    CHECK(seen[1].record.empty());
    CHECK(seen[1].encoded == together[1]);
  }
  std::string log;
  std::vector<std::size_t> ends = {0};
  for (auto const& frame : frames) ends.push_back((log += frame).size());
  auto const whole_before = [&](std::size_t at) {
    std::size_t n = 0;
    while (n + 1 < ends.size() && ends[n + 1] <= at) ++n;
    return n;
  };

  INFO("a log that ends anywhere holds the frames that are whole");
  for (std::size_t size = 0; size <= log.size(); ++size) {
    auto const [seen, length] = read_log<S>(std::string_view(log).substr(0, size));
    auto const whole = whole_before(size);
    bool const right = length == ends[whole] && seen.size() == changes_before[whole] &&
                       !S::frame_follows(std::string_view(log).substr(length, size - length));
    if (!right) FAIL_CHECK("cut at " << size << " of " << log.size());
  }

  INFO("a frame with a bit turned over ends the log, and what follows it tells damage from a cut");
  for (std::size_t at = 0; at < log.size(); ++at) {
    auto damaged = log;
    damaged[at] = static_cast<char>(static_cast<unsigned char>(damaged[at]) ^ (1U << (at % 8)));
    auto const [seen, length] = read_log<S>(damaged);
    auto const whole = whole_before(at);
    bool const right =
        length == ends[whole] && seen.size() == changes_before[whole] &&
        S::frame_follows(std::string_view(damaged).substr(length)) == (whole + 1 < frames.size());
    if (!right) FAIL_CHECK("bit turned at " << at << " of " << log.size());
  }
  CHECK(read_log<S>(std::string(100, '\0')).second == 0);
}

}  // namespace detail

/// Checks the semantics of `SerializerFor`, `TextKeepingSerializerFor` and `AppendingSerializerFor` with generated records of each kind
/// that `S` supports. Call it in a test case; the seed is reported.
/// @tparam OwnRecords  record types of your own, checked as a store has them kept (`own_fields.hpp`)
template <class S, class... OwnRecords>
void serializer_suite(std::uint32_t seed = 1) {
  CAPTURE(seed);
  CHECK_FALSE(std::string_view(S::name()).empty());
  CHECK_FALSE(std::string_view(S::extension()).empty());
  CHECK(std::string_view(S::extension()).find_first_of("./") == std::string_view::npos);
  auto const check = [&]<class Record>(std::type_identity<Record>) {
    using Kept = SerializerOf<S, Record>;
    if constexpr (SerializerFor<Kept, Record>) detail::check_files<Kept, Record>(seed);
    if constexpr (TextKeepingSerializerFor<Kept, Record>) detail::check_texts<Kept, Record>(seed);
    if constexpr (AppendingSerializerFor<Kept, Record> && requires(Record & record) { record.metadata; })
      detail::check_log<Kept, Record>(seed);
  };
  static_assert(SerializerFor<S, LayerRecord> || SerializerFor<S, ImageRecord> ||
                SerializerFor<S, ContainerRecord> || SerializerFor<S, MountRecord>);
  check(std::type_identity<LayerRecord>{});
  check(std::type_identity<ImageRecord>{});
  check(std::type_identity<ContainerRecord>{});
  check(std::type_identity<MountRecord>{});
  (check(std::type_identity<OwnRecords>{}), ...);
}

}  // namespace strata::testing

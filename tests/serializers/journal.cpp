#include <strata/records/layer.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/testing/serializer_suite.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace strata;
using serializers::Journal;

TEST_CASE("serializers::Journal keeps the serializer contract", "[serializers][journal]") {
  testing::serializer_suite<Journal>();
  testing::serializer_suite<Journal>(42);
}

TEST_CASE("a log is text that a person can read", "[serializers][journal]") {
  LayerRecord record;
  record.id = "base";
  std::vector<std::string> const changes = {Journal::encode_put("layers", record),
                                            Journal::encode_erase("images", "old")};
  CHECK(Journal::log_header("overlay") == "strata journal 1 log overlay\n");
  auto const frame = Journal::frame(std::span<std::string const>(changes));
  CHECK(frame.substr(0, 15) == "frame 00000054 ");
  CHECK(frame.substr(24) ==
        "put layers 4:base {\"id\":\"base\",\"created\":\"0001-01-01T00:00:00Z\"}\nerase images 3:old\n");
}

TEST_CASE("bytes that are not UTF-8 stay as they are in a journal", "[serializers][journal]") {
  LayerRecord record;
  record.id = "\xFF\xC0";
  record.metadata = "\xED\xA0\x80 and \x80";
  auto const bytes = Journal::encode_put("layers", record);
  Journal::read_frames(Journal::frame(std::span<std::string const>(&bytes, 1)), [&](LogChange const& change) {
    auto const back = Journal::decode_record<LayerRecord>(change.record);
    CHECK(back.id == record.id);
    CHECK(back.metadata == record.metadata);
  });
}

TEST_CASE("a journal file of records is whole or an error", "[serializers][journal]") {
  testing::RandomRecords random(3);
  std::vector<Row<MountRecord>> rows;
  for (int i = 0; i < 3; ++i) rows.push_back(std::make_shared<MountRecord const>(random.make<MountRecord>()));
  auto const bytes = Journal::encode(std::span<Row<MountRecord> const>(rows), {});
  for (std::size_t size = 1; size < bytes.size(); ++size)
    CHECK(testing::detail::error_of([&] { Journal::decode<MountRecord>(bytes.substr(0, size)); }) ==
          Errc::corrupt_record);
  CHECK_THROWS_AS(Journal::decode<MountRecord>(bytes + "\n"), Error);

  INFO("an element of another shape is kept");
  std::vector<std::string> const unreadable = {R"({"id":7})", "null"};
  auto const read =
      Journal::decode<MountRecord>(Journal::encode(std::span<Row<MountRecord> const>(rows), unreadable));
  CHECK(read.records.size() == 3);
  CHECK(read.unreadable == unreadable);

  INFO("also if it was written by hand: as it will be written");
  std::vector<std::string> const by_hand = {"{ \"id\" : 7 }\n"};
  auto const found =
      Journal::decode<MountRecord>("strata journal 1 records\n" + Journal::frame(std::span(by_hand)));
  CHECK(found.unreadable == std::vector<std::string>{R"({"id":7})"});
}

TEST_CASE("a log of a later version is not taken for ours", "[serializers][journal]") {
  CHECK(testing::detail::error_of([] { Journal::read_log_header("strata journal 2 log vfs\n", "vfs"); }) ==
        Errc::store_mismatch);
  CHECK(testing::detail::error_of([] { Journal::read_log_header("strata journal 1 records\n", "vfs"); }) ==
        Errc::store_mismatch);
  std::vector<std::string> const unknown = {"link layers 1:a 1:b\n"};
  auto const frame = Journal::frame(std::span<std::string const>(unknown));
  CHECK(testing::detail::error_of([&] { Journal::read_frames(frame, [](LogChange const&) {}); }) ==
        Errc::corrupt_record);
}

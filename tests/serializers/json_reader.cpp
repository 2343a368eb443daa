#include <strata/error.hpp>
#include <strata/records/layer.hpp>
#include <strata/serializers/json_reader.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

namespace {

using namespace strata::serializers::json;
using strata::Errc;
using strata::Error;

struct Box {
  std::string id;
  std::vector<std::string> labels;
  std::map<std::string, std::int64_t> counts;
  std::vector<strata::IdRange> ranges;
  strata::Flags flags;
  strata::Extra extra;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id, strata::Presence::always);
    visit("labels", self.labels, strata::Presence::always);
    visit("counts", self.counts, strata::Presence::when_set);
    visit("ranges", self.ranges, strata::Presence::when_set);
    visit("flags", self.flags, strata::Presence::when_set);
  }
};

Box box_of(std::string const& text) {
  auto box = read_record<Box>(text, BadUtf8::replace);
  REQUIRE(box);
  return *std::move(box);
}

std::string raw(std::string const& text) { return read_raw(text, BadUtf8::replace); }

}  // namespace

TEST_CASE("null leaves a member as it was, maps are added to, lists begin anew", "[serializers][json]") {
  auto const box = box_of(
      R"({"id":"b","labels":["x"],"counts":{"a":1},"id":null,"labels":null,"counts":{"b":2},"ranges":[{"size":1}],"ranges":[{"size":2}]})");
  CHECK(box.id == "b");
  CHECK(box.labels == std::vector<std::string>{"x"});
  CHECK(box.counts.size() == 2);
  REQUIRE(box.ranges.size() == 1);
  CHECK(box.ranges[0].size == 2);
}

TEST_CASE("values as text are what stood there, wherever they stand", "[serializers][json]") {
  for (std::string const value :
       {"0", "-0", "1.5", "1e5", "-2E-3", "123456789012345678901234567890", "1e99999999999", "true", "false",
        "null", R"("")", R"(" \" ")", R"("\u0041\/\ud83d")", "\"\xFF\"", "[]", "{}", "[[],{}]",
        R"({"a":[1,2,{"b":null}]," ":" ","\u0061":"\n"})"}) {
    CAPTURE(value);
    CHECK(raw(value) == value);
    CHECK(raw(" \n" + value + "\t ") == value);
    for (std::string const before :
         {"", R"("id":"\u0061",)", R"("\u0069d":null , )", R"("labels":["\n"],)"}) {
      auto const box = box_of("{" + before + R"("flags": {"\u0061" : )" + value + R"( , "b":)" + value +
                              R"(},"x": )" + value + R"(,"\u0079":)" + value + "}");
      CHECK(box.flags.at("a").text == value);
      CHECK(box.flags.at("b").text == value);
      REQUIRE(box.extra.size() == 2);
      CHECK(box.extra[0].second.text == value);
      CHECK(box.extra[1].first == "y");
      CHECK(box.extra[1].second.text == value);
    }
  }
}

TEST_CASE("JSON of another shape is told from what is no JSON, and one error does not hide another",
          "[serializers][json]") {
  for (std::string const other :
       {"7", "[]", "true", R"("x")", R"({"id":7})", R"({"id":[]})", R"({"id":{}})", R"({"labels":"x"})",
        R"({"labels":{}})", R"({"labels":[["x"]]})", R"({"counts":{"a":"1"}})", R"({"counts":{"a":1.5}})",
        R"({"ranges":[{"size":18446744073709551615}]})", R"({"ranges":[1]})",
        R"({"ranges":[{"size":{"a":[{}]}},2]})"}) {
    CAPTURE(other);
    CHECK_FALSE(read_record<Box>(other, BadUtf8::replace));
    CHECK_THROWS_AS(read_record<Box>(other + "}", BadUtf8::replace), Error);
    CHECK_THROWS_AS(read_record<Box>(other.substr(0, other.size() - 1), BadUtf8::replace), Error);
  }
}

TEST_CASE("values that were given away before the parser found a half of a pair are not given twice",
          "[serializers][json]") {
  struct All final : Receiver {
    Box box = {};
    std::vector<Box> boxes = {};
    std::vector<std::string> others = {};
    Slot begin() override { return slot_of(box = {}); }
    bool end() override {
      if (box.id.empty()) return false;
      boxes.push_back(box);
      return true;
    }
    void unreadable(std::string&& kept) override { others.push_back(std::move(kept)); }
  } all;
  read(
      R"([{"id":"a","x":1},7,{"id":"b","x":2,"labels":["l"],"counts":{"c":1}, "y":"\ud83d"},{ "id":"\udc33"}, null])",
      all, Document::list, BadUtf8::replace);
  REQUIRE(all.boxes.size() == 3);
  CHECK(all.boxes[1].extra.size() == 2);
  CHECK(all.boxes[1].extra[1].second.text == R"("\ud83d")");
  CHECK(all.boxes[2].id == "\xEF\xBF\xBD");
  CHECK(all.others == std::vector<std::string>{"7", "null"});
}

TEST_CASE("bytes that are not UTF-8 are replaced or kept, also beside escapes and in keys",
          "[serializers][json]") {
  std::string const text = "{\"id\":\"\\u00e9\xFF\\n\",\"\xC0\\t\":1}";
  auto const replaced = read_record<Box>(text, BadUtf8::replace);
  CHECK(replaced->id == "\xC3\xA9\xEF\xBF\xBD\n");
  CHECK(replaced->extra[0].first == "\xEF\xBF\xBD\t");
  auto const kept = read_record<Box>(text, BadUtf8::keep);
  CHECK(kept->id == "\xC3\xA9\xFF\n");
  CHECK(kept->extra[0].first == "\xC0\t");
}

TEST_CASE("strings longer than the parser's buffer are whole", "[serializers][json]") {
  std::string wanted;
  std::string literal;
  for (int i = 0; i < 20'000; ++i) {
    wanted += "x\xC3\xA9\n";
    literal += "x\\u00e9\\n";
  }
  CHECK(box_of("{\"id\":\"" + literal + "\"}").id == wanted);
  CHECK(raw("\"" + literal + "\"") == "\"" + literal + "\"");
}

TEST_CASE("an object with thousands of unknown or unordered keys is read in linear time",
          "[serializers][json]") {
  std::string text = "{";
  for (int i = 0; i < 50'000; ++i)
    text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",\"\\u006b\":true,\"id\":\"x\",";
  text.back() = '}';
  CHECK(box_of(text).extra.size() == 100'000);
}

TEST_CASE("an error says where, counted in the text as it is", "[serializers][json]") {
  for (auto const& [text, byte] : std::map<std::string, std::string>{{R"({"id":"\ud83d" "x"})", "byte 15:"},
                                                                     {"{\"id\":\"\xFF\xFF\" 1}", "byte 11:"},
                                                                     {R"({"id":"x"} 1)", "byte 11:"},
                                                                     {R"({"id":)", "byte 6:"}}) {
    CAPTURE(text);
    try {
      read_record<Box>(text, BadUtf8::replace);
      FAIL("no error");
    } catch (Error const& error) {
      CHECK(error.code() == Errc::corrupt_record);
      CHECK_THAT(error.subject(), Catch::StartsWith(byte));
    }
  }
}

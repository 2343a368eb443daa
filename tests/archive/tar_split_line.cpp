#include <strata/archive/tar_split_line.hpp>

#include <catch2/catch.hpp>

#include <random>
#include <string>

using namespace strata::archive;

namespace {
std::string escaped(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return out;
}
bool parses(std::string_view line) {
  TarSplitLine out;
  return parse_tar_split_line(line, out);
}
}  // namespace

TEST_CASE("UTF-8 is told from what is none", "[archive][tar_split_line]") {
  for (auto const* text :
       {"", "a", "ü", "€", "😀", "\x7f", "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf", "a\xc2\x80z"})
    CHECK(is_utf8(text));
  for (auto const* text : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xe2\x82", "\xed\xa0\x80",
                           "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "f\xe9.txt",
                           "\xc3(", "\xe2\x82(", "\xf0\x9f\x98"})
    CHECK_FALSE(is_utf8(text));
}

TEST_CASE("JSON strings are escaped as Go does it", "[archive][tar_split_line]") {
  CHECK(escaped("plain ü/€😀\x7f") == "plain ü/€😀\x7f");
  CHECK(escaped("a<b>&c") == "a\\u003cb\\u003e\\u0026c");
  CHECK(escaped("q\"\\") == "q\\\"\\\\");
  CHECK(escaped("\n\r\t\x01\x1f\b") == "\\n\\r\\t\\u0001\\u001f\\u0008");
  CHECK(escaped("\u2027\u2028\u2029\u202a") == "\u2027\\u2028\\u2029\u202a");
}

TEST_CASE("names come back from their JSON", "[archive][tar_split_line]") {
  std::string name;
  for (char c = 1; c < 0x7f; ++c) name += c;
  name += "ü\u2028😀";
  auto const text = R"({"type":1,"name":")" + escaped(name) + R"(","size":12,"payload":"AAAA","position":7})";
  TarSplitLine line;
  REQUIRE(parse_tar_split_line(text, line));
  CHECK(line.type == TarSplitLine::Type::file);
  CHECK(line.name == name);
  CHECK(line.size == 12);
  CHECK(line.payload == "AAAA");
}

TEST_CASE("a line may be any JSON object with the right keys", "[archive][tar_split_line]") {
  TarSplitLine line;
  REQUIRE(parse_tar_split_line(R"({"type":2,"payload":"AAAA","position":0})", line));
  CHECK(line.type == TarSplitLine::Type::segment);
  CHECK(line.payload == "AAAA");
  REQUIRE(parse_tar_split_line(
      R"( { "position" : 3 , "payload" : "AB\/C" , "extra" : "x,\"}" , "other" : -1.5e3, "type" : 2 } )",
      line));
  CHECK(line.payload == "AB/C");
  REQUIRE(parse_tar_split_line(R"({"type":2,"payload":"AAAA","more":true,"position":0})", line));
  CHECK(line.payload == "AAAA");
  REQUIRE(parse_tar_split_line(R"({"type":2,"payload":null,"position":0})", line));
  CHECK(line.payload.empty());
  REQUIRE(parse_tar_split_line(R"({"type":2,"payload":"","position":0})", line));
  CHECK(line.payload.empty());
  REQUIRE(parse_tar_split_line(
      R"({"type":1,"name_raw":"ZukudHh0","size":1,"payload":"IqAAAAAAAAA=","position":1})", line));
  CHECK(line.name == "f\xe9.txt");
  REQUIRE(parse_tar_split_line(R"({"payload":null,"name":"\u00e9\ud83d\ude00\b\f","type":1})", line));
  CHECK(line.name == "é😀\b\f");
  CHECK(line.size == 0);
}

TEST_CASE("what is not such an object is refused", "[archive][tar_split_line]") {
  for (auto const* text : {"",
                           "{}",
                           "[]",
                           "null",
                           "{",
                           R"({"type":2)",
                           R"({"type":3,"payload":""})",
                           R"({"type":"2"})",
                           R"({"type":2}x)",
                           R"({"type":2,})",
                           R"({"payload":"AAAA","position":0})",
                           R"({"type":1,"size":-1})",
                           R"({"type":1,"size":99999999999999999999})",
                           R"({"type":1,"size":1.5})",
                           R"({"type":1,"name":"\x"})",
                           R"({"type":1,"name":"\ud800"})",
                           R"({"type":1,"name":"\ud800\u0041"})",
                           R"({"type":1,"name":"\u12"})",
                           R"({"type":1,"name":"\u-123"})",
                           R"({"type":1,"name":"a)",
                           R"({"type":1,"name":"a\)",
                           R"({"type":1,"name":7})",
                           R"({"type":1,"name_raw":"A"})",
                           R"({"type":2,"x":{}})",
                           R"({"type":2,"x":[1]})",
                           R"({"type":2 "x":1})",
                           R"({"type":2,"payload":"AAAA","position":})",
                           R"({"type":2,"payload":"AAAA)"})
    CHECK_FALSE(parses(text));
}

TEST_CASE("no line makes the parser read beyond it", "[archive][tar_split_line]") {
  std::mt19937 random(7);
  std::string const base =
      R"({"type":1,"name":"a\u003cb\"c","name_raw":"ZukudHh0","size":12,"payload":"AAAA","position":7})";
  for (int i = 0; i < 20'000; ++i) {
    auto line = base.substr(0, random() % base.size() + 1);
    for (auto n = random() % 4; n != 0; --n)
      line[random() % line.size()] = "{}\":,\\u0d\xff\0n "[random() % 14];
    std::vector<char> const exact(line.begin(), line.end());  // its own allocation, for a sanitizer
    parses({exact.data(), exact.size()});
  }
}

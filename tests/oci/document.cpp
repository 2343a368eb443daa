#include <strata/oci/document.hpp>

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "documents.hpp"
#include <string>
#include <string_view>

using namespace strata;
using namespace strata::oci;
using documents::refusal;

namespace {

documents::Refusal document_refusal(std::string const& text, DocumentLimits const& limits = {}) {
  return refusal([&] { parse_document(text, "manifest", limits); });
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a document is JSON in UTF-8 and nothing else", "[oci][document]") {
  CHECK(parse_document(" {\"a\":[1,-2,3.5,\"\\u00e4\",null,true]}\n", "x").as_object().size() == 1);
  CHECK(parse_document("18446744073709551615", "x").is_uint64());
  for (std::string const text : {
           "",
           " ",
           "{",
           "[",
           "\"",
           "{\"a\"}",
           "{\"a\":}",
           "{\"a\":1,}",
           "[1,]",
           "{'a':1}",
           "{a:1}",
           "[01]",
           "[+1]",
           "[.5]",
           "[1.]",
           "[NaN]",
           "[Infinity]",
           "[0x1]",
           "nul",
           "tru",
           "[1]x",
           "[1] [2]",
           "[1e400]",
           "[-1e400]",
           "// c\n[1]",
           "[1/* c */]",
           "[\"a\nb\"]",
           "[\"\x01\"]",
           "[\"\\x\"]",
           "[\"\\u12\"]",
           "\xef\xbb\xbf[1]",     // a byte order mark
           "[\"\xff\"]",          // no UTF-8
           "[\"\xc3\"]",          // cut off
           "[\"\xc0\xaf\"]",      // not the shortest form
           "[\"\xed\xa0\x80\"]",  // a surrogate
           "{\"\xff\":1}",
           "[\"\\ud800\"]",         // half of a pair
           "[\"\\udc00\\ud800\"]",  // in the wrong order
       }) {
    CAPTURE(text);
    CHECK(document_refusal(text).code == Errc::corrupt_document);
  }
  CHECK(document_refusal(std::string("[\"a\0\"]", 6)).code == Errc::corrupt_document);
  CHECK(document_refusal(std::string("[1]\0", 4)).code == Errc::corrupt_document);
  CHECK(document_refusal("[1,").text.starts_with("manifest: byte "));
}

TEST_CASE("a member that an object has twice is refused, wherever the object is", "[oci][document]") {
  CHECK(document_refusal(R"({"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]})").code == std::error_code());
  for (auto const* text :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"({"b":[{"x":{"a":1,"c":2,"a":null}}]})"}) {
    CAPTURE(text);
    auto const refused = document_refusal(text);
    CHECK(refused.code == Errc::corrupt_document);
    CHECK(refused.text == "manifest: member \"a\" twice");
  }
}

TEST_CASE("a document is refused beyond its limits of bytes, depth and values", "[oci][document]") {
  std::string const text = R"({"a":[1,{"b":"c"}]})";  // 5 values, 3 levels
  CHECK(document_refusal(text, {.bytes = text.size(), .values = 5, .depth = 3}).code == std::error_code());
  CHECK(document_refusal(text, {.bytes = text.size() - 1}).code == Errc::over_budget);
  CHECK(document_refusal(text, {.values = 4}).code == Errc::over_budget);
  CHECK(document_refusal(text, {.depth = 2}).code == Errc::over_budget);
  CHECK(document_refusal(text, {.bytes = 3}).text == "manifest: 19 bytes, more than 3");
  CHECK(document_refusal(text, {.depth = 2}).text == "manifest: deeper than 2 levels");
  CHECK(document_refusal(text, {.values = 4}).text == "manifest: more than 4 values");

  CHECK(document_refusal(repeated("[", 64) + repeated("]", 64)).code == std::error_code());
  CHECK(document_refusal(repeated("[", 65) + repeated("]", 65)).code == Errc::over_budget);
  CHECK(document_refusal(repeated("[", 4'000'000)).code == Errc::over_budget);
  CHECK(document_refusal(repeated("{\"a\":", 800'000)).code == Errc::over_budget);
  CHECK(document_refusal("[" + repeated("0,", 1'000'000) + "0]").code == Errc::over_budget);
  CHECK(document_refusal("[\"" + std::string(200'000'000, 'x') + "\"]").code == Errc::over_budget);
}

TEST_CASE("a document is written compactly, with Go's escapes", "[oci][document]") {
  auto const value = boost::json::parse(
      R"({"b":"<a>&\u2028\u0001\n\"\\/","a":[1,-2,18446744073709551615,true,false,null,[],{}],"é":{"c":1.5,"d":-0.1,"e":5.0,"f":1e300}})");
  CHECK(
      document_text(value) ==
      R"({"b":"\u003ca\u003e\u0026\u2028\u0001\n\"\\/","a":[1,-2,18446744073709551615,true,false,null,[],{}],"é":{"c":1.5,"d":-0.1,"e":5.0,"f":1e+300}})");
  CHECK(parse_document(document_text(value), "x") == value);
}

TEST_CASE("an edit leaves alone what it does not change", "[oci][document]") {
  auto const edited = [](char const* document, char const* before, char const* after) {
    return document_text(
        edited_document(boost::json::parse(document), boost::json::parse(before), boost::json::parse(after)));
  };
  // Order, null, members that are not known, other ways to write a value.
  CHECK(edited(R"({"z":1,"b":null,"a":"1.0","own":[2]})", R"({"a":"1","z":1})", R"({"a":"1","z":2})") ==
        R"({"z":2,"b":null,"a":"1.0","own":[2]})");
  CHECK(edited(R"({"z":1,"b":null})", R"({"z":1})", R"({"z":1,"b":[1],"c":3})") ==
        R"({"z":1,"b":[1],"c":3})");
  CHECK(edited(R"({"a":1,"b":2,"c":3})", R"({"a":1,"b":2})", R"({"b":2})") == R"({"b":2,"c":3})");
  CHECK(edited(R"({"a":{"own":1,"x":2}})", R"({"a":{"x":2}})", R"({"a":{"x":3,"y":4}})") ==
        R"({"a":{"own":1,"x":3,"y":4}})");
  CHECK(edited(R"({"a":[{"t":"1.0","u":1},{"v":2}]})", R"({"a":[{"t":"1"},{}]})",
               R"({"a":[{"t":"1"},{"w":1},{"x":1}]})") ==
        R"({"a":[{"t":"1.0","u":1},{"v":2,"w":1},{"x":1}]})");
  CHECK(edited(R"({"a":[1,2,3]})", R"({"a":[1,2,3]})", R"({"a":[1]})") == R"({"a":[1]})");
  CHECK(edited(R"({"a":{}})", R"({})", R"({"a":[1]})") == R"({"a":[1]})");
}

#include <strata/oci/members.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <catch2/catch.hpp>

#include "documents.hpp"
#include <map>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::oci;
using documents::refusal;

TEST_CASE("members have the type of the format, or are absent or null", "[oci][members]") {
  auto const value = boost::json::parse(
      R"({"text":"t","no":null,"n":-5,"bytes":9223372036854775807,"flag":true,"list":["a","b"],)"
      R"("map":{"k":"v","n":null},"set":{"z":{},"a":null},"time":"2020-01-02T03:04:05.6Z"})");
  Members members(value, "manifest");
  CHECK(members.text("text") == "t");
  CHECK(members.text("no").empty());
  CHECK(members.text("absent").empty());
  CHECK(members.find("no") == nullptr);
  CHECK(members.integer("n") == -5);
  CHECK(members.integer("no") == std::nullopt);
  CHECK(members.bytes("bytes") == 9223372036854775807U);
  CHECK(members.flag("flag"));
  CHECK_FALSE(members.flag("no"));
  CHECK(members.texts("list") == std::vector<std::string>{"a", "b"});
  CHECK(members.text_map("map") == std::map<std::string, std::string>{{"k", "v"}, {"n", ""}});
  CHECK(members.names("set") == std::vector<std::string>{"z", "a"});
  CHECK(members.time("time")->str() == "2020-01-02T03:04:05.6Z");
  CHECK(members.time("no") == std::nullopt);
  CHECK(members.array("list")->size() == 2);
  CHECK_FALSE(members.object("no"));
  CHECK(members.object("map")->text("k") == "v");
  CHECK(members.unknown().empty());
}

TEST_CASE("a member of another type is refused, and the error names its place", "[oci][members]") {
  using Read = void (*)(Members&);
  struct Case {
    char const* json;  // types that are refused
    Read read;
  };
  for (auto const& [json, read] : {
           Case{R"([true,1,[],{}])", [](Members& m) { m.text("m"); }},
           {R"(["",null,true,1,[],{}])", [](Members& m) { m.required_text("m"); }},
           {R"([true,1.0,1e2,9223372036854775808,"1",[],{}])", [](Members& m) { m.integer("m"); }},
           {R"([null,-1,1.0,0.5,1e2,9223372036854775808,1e400,"1",[],{}])", [](Members& m) { m.bytes("m"); }},
           {R"([0,1,"true",[],{}])", [](Members& m) { m.flag("m"); }},
           {R"([null,"",1,{}])", [](Members& m) { m.digest("m"); }},
           {R"(["","2020","2020-13-01T00:00:00Z",1,{}])", [](Members& m) { m.time("m"); }},
           {R"([true,1,"a",{},[1],[null],[["a"]]])", [](Members& m) { m.texts("m"); }},
           {R"([true,1,"a",[],{"a":1},{"a":[]},{"a":{}}])", [](Members& m) { m.text_map("m"); }},
           {R"([true,1,"a",[],["a"],{"a":1},{"a":"b"}])", [](Members& m) { m.names("m"); }},
           {R"([true,1,"a",{}])", [](Members& m) { m.array("m"); }},
           {R"([true,1,"a",[]])", [](Members& m) { m.object("m"); }},
       }) {
    auto const refused = boost::json::parse(json);
    for (auto const& value : refused.get_array()) {
      CAPTURE(json, boost::json::serialize(value));
      boost::json::value const document = {{"m", value}};
      Members members(document, "manifest: layers[3]");
      auto const outcome = refusal([&] { read(members); });
      CHECK(outcome.code == Errc::corrupt_document);
      CHECK(outcome.text.starts_with("manifest: layers[3].m: "));
    }
  }
  boost::json::value const wrong = {{"m", "sha256:00"}};
  Members members(wrong, "manifest");
  auto const outcome = refusal([&] { members.digest("m"); });
  CHECK(outcome.code == Errc::digest_invalid_length);
  CHECK(outcome.text == "manifest: m: \"sha256:00\"");
  CHECK(refusal([&] { Members(wrong.at("m"), "manifest"); }).text == "manifest: not an object");
}

TEST_CASE("members that nobody asked for are kept, but for those that Go takes for others",
          "[oci][members]") {
  auto const value = boost::json::parse(R"({"layers":1,"own":{"a":[1]},"other":null})");
  Members members(value, "manifest");
  members.find("layers");
  CHECK(boost::json::serialize(members.unknown()) == R"({"own":{"a":[1]},"other":null})");
  for (auto const* name : {"Layers", "LAYERS", "layer\u017f"}) {
    boost::json::value const twisted = {{"layers", 1}, {name, 2}};
    Members of_twisted(twisted, "manifest");
    of_twisted.find("layers");
    auto const outcome = refusal([&] { of_twisted.unknown(); });
    CHECK(outcome.code == Errc::corrupt_document);
    CHECK(outcome.text ==
          "manifest: " + std::string(name) + ": differs from a member of the format in case only");
  }
  boost::json::value const kelvin = {{"\u212aey", 2}};
  Members of_kelvin(kelvin, "x");
  of_kelvin.find("key");
  CHECK(refusal([&] { of_kelvin.unknown(); }).code == Errc::corrupt_document);
}

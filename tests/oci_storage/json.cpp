#include "../../examples/oci-storage/json.hpp"

#include <strata/records/container.hpp>
#include <strata/records/layer.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

namespace json = oci_storage::json;

TEST_CASE("oci-storage: JSON strings are escaped as Go's encoding/json does", "[oci-storage]") {
  CHECK(json::text(std::string("plain größe €")) == "\"plain größe €\"");
  CHECK(json::text(std::string("<a href=\"x\">&\\")) == R"("\u003ca href=\"x\"\u003e\u0026\\")");
  CHECK(json::text(std::string("\t\n\r\x01\x1f\x7f")) == "\"\\t\\n\\r\\u0001\\u001f\x7f\"");
  CHECK(json::text(std::string("\u2028\u2029")) == R"("\u2028\u2029")");
  CHECK(json::text(std::string("a\xff\xc3(")) == R"("a\ufffd\ufffd(")");
  CHECK(json::text(std::string("\xed\xa0\x80")) == R"("\ufffd\ufffd\ufffd")");  // a surrogate
  CHECK(json::text(std::string("\xc0\xaf")) == R"("\ufffd\ufffd")");            // too long for what it says
}

TEST_CASE("oci-storage: lists and maps", "[oci-storage]") {
  CHECK(json::text(std::vector<std::string>{}) == "[]");
  CHECK(json::text_or_null(std::vector<std::string>{}) == "null");
  CHECK(json::text(std::vector<std::vector<std::string>>{{"a", "b"}, {"c", ""}}) ==
        R"([["a","b"],["c",""]])");
  CHECK(json::text(std::map<std::string, bool>{{"b", false}, {"a", true}}) == R"({"a":true,"b":false})");
}

TEST_CASE("oci-storage: records show what is set, and no keys that the program does not know",
          "[oci-storage]") {
  strata::LayerRecord layer;
  layer.id = "base";
  layer.created = strata::Timestamp::parse("2026-11-23T17:04:54.363721000Z");
  layer.uidset = {0, 1000};
  layer.uidmap = {{0, 100000, 65536}};
  layer.extra = {{"later", {"[1]"}}};
  CHECK(json::text(layer) == R"({"id":"base","created":"2026-11-23T17:04:54.363721Z","uidset":[0,1000],)"
                             R"("uidmap":[{"container_id":0,"host_id":100000,"size":65536}]})");
  strata::ContainerRecord container;
  container.id = "c";
  container.layer = "l";
  container.flags = {{"ProcessLabel", {"\"\""}}, {"MountLabel", {"\"\""}}, {"Volatile", {"true"}}};
  CHECK(json::text(container) == R"({"id":"c","image":"","layer":"l","created":"0001-01-01T00:00:00Z",)"
                                 R"("flags":{"MountLabel":"","ProcessLabel":"","Volatile":true}})");
}

TEST_CASE("JSON for people is the same value over several lines", "[oci-storage]") {
  CHECK(json::indented("{}") == "{}");
  CHECK(json::indented(R"([{"a":"x,{\"}:\\","b":[]},[1,{}]])") == R"([
    {
        "a": "x,{\"}:\\",
        "b": []
    },
    [
        1,
        {}
    ]
])");
}

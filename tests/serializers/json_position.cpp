#include <strata/serializers/json_position.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>

using strata::serializers::json::compact;
using strata::serializers::json::Position;

TEST_CASE("a position follows tokens that have no place of their own", "[serializers][json]") {
  std::string_view const text = R"( { "a\"b" : [ true , -1.5e3, "" ] ,"c":null } )";
  Position at(text);
  CHECK(at.behind() == 0);
  CHECK(at.ahead() == 1);
  at.pass();  // {
  CHECK(at.behind() == 2);
  at.pass("a\"b", 1);  // put together elsewhere
  CHECK(text.substr(at.ahead(), 1) == "[");
  at.pass();
  at.pass();
  at.pass();
  CHECK(text.substr(at.behind()).starts_with(", \"\""));
  at.pass(text.substr(text.find("\"\"") + 1, 0), 1);
  CHECK(text.substr(at.behind()).starts_with(" ] ,"));
  at.pass();
  at.pass(text.substr(text.find('c'), 1), 1);
  CHECK(text.substr(at.behind()).starts_with(":null"));
  CHECK(text.substr(at.ahead()).starts_with("null"));
  at.pass();
  at.pass();
  CHECK(at.behind() == text.size() - 1);
  at.pass();
  CHECK(at.behind() == text.size());
}

TEST_CASE("white space goes, but not from strings", "[serializers][json]") {
  CHECK(compact(" { \"a \\\" b\" :\n[ 1 ,\t2 ] }\r\n") == "{\"a \\\" b\":[1,2]}");
  CHECK(compact("\"\\\\\" ") == "\"\\\\\"");
  CHECK(compact("").empty());
}

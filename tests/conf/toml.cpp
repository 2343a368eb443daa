#include <strata/conf/toml.hpp>
#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"
#include <string>
#include <vector>

using namespace strata;

namespace {

struct Reading {
  std::string text;
  bool flag = false;
  std::uint32_t number = 0;
  conf::List list;
  std::optional<std::map<std::string, std::string>> map;
  std::vector<std::string> unknown;
};

Reading read(std::string const& text, Reading reading = {}) {
  FakeHost const fake;
  conf::TomlFile const file(fake.write("x.conf", text));
  conf::TableReader top(file);
  top.table("a", [&](conf::TableReader& a) {
    a.value("text", reading.text);
    a.value("flag", reading.flag);
    a.value("number", reading.number);
    a.value("list", reading.list);
    a.table("b", [&](conf::TableReader& b) { b.value("map", reading.map); });
    a.ignore("old");
  });
  reading.unknown = top.unknown_keys();
  return reading;
}

/// What is said of a text, without the name of the file.
std::string complaint(std::string const& text) {
  try {
    read(text);
  } catch (Error const& error) {
    CHECK(error.code() == Errc::configuration);
    auto const file = error.subject().find(" (file \"/");
    CHECK(file != std::string::npos);
    CHECK(error.subject().ends_with("x.conf\")"));
    return error.subject().substr(0, file);
  }
  return "read";
}

}  // namespace

TEST_CASE("conf: where toml++ would end the program is an error", "[conf]") {
  CHECK(complaint("[a]\ntext = 'x'\nb = 1979-05-27T'06:32:00Z\nflag = true\n") ==
        "toml: line 3 (last key \"a.b\"): expected value");
  CHECK(complaint("b = [1,\n1979-05-27t:]") == "toml: line 2 (last key \"b\"): expected value");
}

TEST_CASE("conf: values of all kinds, whatever the case of their keys", "[conf]") {
  auto const found =
      read("[a]\nText = 'x'\nflag = true\nnumber = 4294967295\nlist = ['1', '2']\n[a.B.map]\nk = 'v'\n");
  CHECK(found.text == "x");
  CHECK(found.flag);
  CHECK(found.number == 4294967295);
  CHECK(found.list.values == std::vector<std::string>{"1", "2"});
  CHECK(found.map == std::map<std::string, std::string>{{"k", "v"}});
  CHECK(found.unknown.empty());
  CHECK_FALSE(read("").map);
}

TEST_CASE("conf: keys that nobody asked for, in the order of the file", "[conf]") {
  CHECK(read("[a]\ntext = ''\nnosuch = 1\n[a.old]\nx = 'x'\n[b]\nc.d = 4\na = 1\n\"x y\" = 3\n").unknown ==
        std::vector<std::string>{"a.nosuch", "b", "b.c", "b.c.d", "b.a", "b.\"x y\""});
}

TEST_CASE("conf: lists replace or add up", "[conf]") {
  auto const after = [](std::string const& first, std::string const& second, std::string const& third = "") {
    auto reading = read("[a]\nlist = " + first, {});
    reading = read("[a]\nlist = " + second, reading);
    if (!third.empty()) reading = read("[a]\nlist = " + third, reading);
    std::string joined;
    for (auto const& value : reading.list.values) joined += value;
    return joined;
  };
  CHECK(after("['1']", "['2']") == "2");
  CHECK(after("['1']", "['2', {append=true}]") == "12");
  CHECK(after("['1', {append=true}]", "['2']") == "12");
  CHECK(after("['1', {append=true}]", "['2']", "['3']") == "123");
  CHECK(after("['1', {append=true}]", "['2', {append=false}]", "['3']") == "3");
  CHECK(after("['1', {append=true}]", "[{append=false}]") == "");
}

TEST_CASE("conf: what is wrong with a file, by line and key", "[conf]") {
  CHECK(complaint("[a]\n\ntext = 3\n") ==
        "toml: line 3 (last key \"a.text\"): incompatible types: TOML value has type int64; destination has "
        "type string");
  CHECK(complaint("[a]\nflag = 'x'\n") ==
        "toml: line 2 (last key \"a.flag\"): incompatible types: TOML value has type string; destination has "
        "type boolean");
  CHECK(complaint("[a]\nnumber = 1.5\n") ==
        "toml: line 2 (last key \"a.number\"): incompatible types: TOML value has type float64; destination "
        "has type integer");
  CHECK(complaint("[a]\nnumber = -1\n") ==
        "toml: line 2 (last key \"a.number\"): -1 is out of range for uint32");
  CHECK(complaint("[a]\nlist = 'x'\n") ==
        "toml: line 2 (last key \"a.list\"): incompatible types: TOML value has type string; destination has "
        "type slice");
  CHECK(complaint("[a]\nlist = [1]\n") ==
        "toml: line 2 (last key \"a.list\"): incompatible types: TOML value has type int64; destination has "
        "type string");
  CHECK(complaint("[a]\nlist = [{prepend=true}]\n") ==
        "toml: line 2 (last key \"a.list\"): unsupported attribute \"prepend\"");
  CHECK(complaint("[a]\nb = {map = {k = 1}}\n") ==
        "toml: line 2 (last key \"a.b.map.k\"): incompatible types: TOML value has type int64; destination "
        "has type string");
  CHECK(complaint("a = 4\n").starts_with("toml: line 1 (last key \"a\"): type mismatch"));
  CHECK(complaint("bad = ").starts_with("toml: line 1 (last key \"bad\"): "));
  CHECK(complaint("[a]\ntext = 'x'\n[a\n").starts_with("toml: line 3 (last key \"a\"): "));
  CHECK(complaint("[a]\n# bad = 1\ntext = 'x'\ntext = 'y'\n")
            .starts_with("toml: line 4 (last key \"a.text\"): "));
}

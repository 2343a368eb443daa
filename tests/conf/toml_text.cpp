#include <strata/conf/toml.hpp>
#include <strata/conf/toml_text.hpp>
#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"
#include <string>

using namespace strata;

namespace {

std::string flaw(std::string_view text) {
  auto const found = conf::find_toml_flaw(text);
  return found ? std::to_string(found->line) + ": " + found->what : "none";
}

/// What comes of a file with that text: whatever it is, it comes back.
std::string refusal(std::string const& text) {
  FakeHost const fake;
  try {
    conf::TomlFile const file(fake.write("x.conf", text));
  } catch (Error const& error) {
    CHECK(error.code() == Errc::configuration);
    return error.subject().substr(0, error.subject().find(" (file \"/"));
  }
  return "read";
}

}  // namespace

TEST_CASE("conf: what would end the program within toml++ is refused, in Go's words", "[conf]") {
  CHECK(refusal("[=]\n") == "toml: line 1: expected '.' or ']' to end table name, but got '=' instead");
  CHECK(refusal("[a]\nb = 1\n\n[[ =]]\n").starts_with("toml: line 4 (last key \"a.b\"): expected '.' or"));
  CHECK(refusal("[\n").ends_with("expected '.' or ']' to end table name, but got '\\n' instead"));
  CHECK(refusal("[ \r\n").ends_with("expected '.' or ']' to end table name, but got '\\n' instead"));
  CHECK(refusal("[.a]\n").ends_with("unexpected table separator (table names cannot be empty)"));
  CHECK(refusal("[\xC3\xA9]\n").ends_with("to end table name, but got '\xC3\xA9' instead"));
  CHECK(refusal("[\x17]\n").ends_with("TOML files cannot contain control characters: '0x17'"));
  for (auto const* text : {"[", "[[ ", "[]"}) CHECK(refusal(text).starts_with("toml: line 1"));
}

TEST_CASE("conf: letters that are not ASCII stand in strings and comments only", "[conf]") {
  CHECK(refusal("\xC3\xA9 = 1") == "toml: line 1: expected '.' or '=', but got '\xC3\xA9' instead");
  CHECK(refusal("a = \xC3\xA9") ==
        "toml: line 1 (last key \"a\"): expected value but found \"\xC3\xA9\" instead");
  CHECK(flaw("a = [1,\n\xC2\xA0]") == "2: expected value but found \"\xC2\xA0\" instead");
  CHECK(flaw("a = \xFF") == "1: invalid UTF-8 byte: 0xff");
  for (auto const* text : {"\xEF\xBB\xBF# \xC3\xA9\na = 1\n", "a = '\xC3\xA9' # \xE2\x80\xA8\n",
                           "a = \"\xC3\xA9\\\"\xC3\xA9\"\n", "a = '''\n[=]\n\xC3\xA9'''''\nb = 1\n",
                           "a = \"\"\"\n\\\"\"\"\\\nx\xC3\xA9\"\"\" # x\n", "\"\xC3\xA9\".b = 1",
                           "[\"\xC3\xA9\"]\nb = 1", "['=']\na = 1\n"}) {
    INFO(text);
    CHECK(flaw(text) == "none");
    CHECK(refusal(text) == "read");
  }
  CHECK(flaw("a = '\xC3\xA9\n\xC3\xA9") == "none");  // a string that does not end, of which toml++ tells
  CHECK(refusal("a = '\xC3\xA9\n\xC3\xA9").starts_with("toml: line 1"));
}

TEST_CASE("conf: control characters are refused wherever they are", "[conf]") {
  for (auto const* text :
       {"a = \"\x01\"", "a = '\x01'", "# \x01", "\x01", "a = 1\rb = 2", "# \r x", "a = \"\"\"\x1F\"\"\""})
    CHECK(refusal(text).find("TOML files cannot contain control characters: '0x") != std::string::npos);
  CHECK(flaw("a = '''\n\n\x7F'''") == "3: TOML files cannot contain control characters: '0x7f'");
  CHECK(refusal("a = \"\t\"\t# \t\r\n\r\nb = '''\r\n'''\r\n") == "read");
}

TEST_CASE("conf: arrays over several lines hold no headers", "[conf]") {
  CHECK(refusal("a = [\n  [1, 2],\n [],\n {b = [ ]},\n]\n[b]\n") == "read");
  CHECK(refusal("a = [\n]\n[=]\n").starts_with("toml: line 3 (last key \"a\"): expected '.' or ']'"));
  CHECK(refusal("a = ]\n[=]\n").starts_with("toml: line "));
}

TEST_CASE("conf: an array's value is no closing brace", "[conf]") {
  CHECK(refusal("a = [}") == "toml: line 1 (last key \"a\"): expected value but found '}' instead");
  CHECK(refusal("[t]\na = [ 1, # x\n }\n") ==
        "toml: line 3 (last key \"t.a\"): expected value but found '}' instead");
  for (auto const* text : {"a = {b = [}", "a = [[], }", "a = ['x',}", "a = [{b = 1},}"})
    CHECK(refusal(text).ends_with("expected value but found '}' instead"));
  for (auto const* text :
       {"a = [1 }", "a = }", "a = ['x'}", "a = [{}}", "a = [[]}", "a = {b = }", "a = {,}", "a = {}}"})
    CHECK(refusal(text).starts_with("toml: line 1"));  // by toml++ itself
  CHECK(refusal("a = [{}, {b = [{}]}, [{}]]\nb = '}'\n") == "read");
}

TEST_CASE("conf: keys do not nest deeper than a stack is", "[conf]") {
  auto const dotted = [](int dots) {
    std::string key = "a";
    for (int i = 0; i < dots; ++i) key += ".a";
    return key;
  };
  CHECK(refusal(dotted(1000) + " = 1\n[b." + dotted(990) + "]\n") == "read");
  CHECK(refusal(dotted(200'000) + " = 1\n").ends_with("key with more than 1000 dots"));
  CHECK(refusal('[' + dotted(200'000) + "]\n").ends_with("key with more than 1000 dots"));
  std::string nested = "a = ";
  for (int i = 0; i < 200; ++i) nested += '{' + dotted(100) + " = ";
  CHECK(refusal(nested).ends_with("key with more than 1000 dots"));
}

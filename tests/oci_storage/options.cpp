#include "../../examples/oci-storage/options.cpp"

#include <catch2/catch.hpp>

#include <array>
#include <string>
#include <vector>

using namespace oci_storage;

namespace {

using Words = std::vector<std::string>;
constexpr auto known = std::to_array<OptionSpec>({
    {"--name, -n", OptionKind::list},
    {"--id, -i", OptionKind::text},
    {"--json, -j", OptionKind::flag},
    {"--quiet, -q", OptionKind::flag},
    {"--read-only, --ro, -r", OptionKind::flag},
});

Parsed parsed(Words const& words) { return parse(words, known); }

}  // namespace

TEST_CASE("oci-storage: options end at the first argument", "[oci-storage]") {
  auto const out = parsed({"-j", "layer", "--quiet", "--nosuch"});
  CHECK(out.options.flag("json"));
  CHECK_FALSE(out.options.given("quiet"));
  CHECK(out.rest == Words{"layer", "--quiet", "--nosuch"});
  CHECK(parsed({"-j", "--", "-q"}).rest == Words{"-q"});
  CHECK(parsed({"--", "--", "x"}).rest == Words{"--", "x"});
  CHECK(parsed({"-", "-j"}).rest == Words{"-", "-j"});
  CHECK(parsed({"", "-j"}).rest == Words{"", "-j"});
}

TEST_CASE("oci-storage: values in all their spellings", "[oci-storage]") {
  auto const out = parsed({"--name", "a", "--name=b,c", "-n=d", "-n", "-j", "--name=", "-n", "",
                           "--name='e f'", "--id", "x", "--id=y"});
  CHECK(out.options.list("name") == Words{"a", "b,c", "d", "-j", "", "", "e f"});
  CHECK(out.options.text("id") == "y");
  CHECK(parsed({"--id=a", "--id="}).options.text("id").empty());
  CHECK(parsed({"--id="}).options.given("id"));
  CHECK(parsed({"--id", "[a,b]"}).options.text("id") == "[a,b]");
}

TEST_CASE("oci-storage: letters in one word, each taking a word of its own", "[oci-storage]") {
  auto const out = parsed({"-jin", "id", "name", "rest"});
  CHECK(out.options.flag("json"));
  CHECK(out.options.text("id") == "id");
  CHECK(out.options.list("name") == Words{"name"});
  CHECK(out.rest == Words{"rest"});
}

TEST_CASE("oci-storage: flags", "[oci-storage]") {
  CHECK(parsed({"--json=T"}).options.flag("json"));
  CHECK_FALSE(parsed({"--json", "--json=0"}).options.flag("json"));
  CHECK(parsed({"--json=0", "-j"}).options.flag("json"));
  CHECK(parsed({"--ro"}).options.flag("read-only"));
  CHECK_THROWS_WITH(
      parsed({"--json=maybe"}),
      "invalid boolean value \"maybe\" for  --json: strconv.ParseBool: parsing \"maybe\": invalid syntax");
}

TEST_CASE("oci-storage: what is not understood is told", "[oci-storage]") {
  CHECK_THROWS_WITH(parsed({"--nosuch=x"}), "flag provided but not defined: --nosuch");
  CHECK_THROWS_WITH(parsed({"-jZ"}), "flag provided but not defined: -jZ");
  CHECK_THROWS_WITH(parsed({"-Z"}), "flag provided but not defined: -Z");
  CHECK_THROWS_WITH(parsed({"-i"}), "flag needs an argument: -i");
  CHECK_THROWS_WITH(parsed({"-=x"}), "bad flag syntax: -=x");
  CHECK_THROWS_WITH(
      parsed({"--json="}),
      "invalid boolean value \"\" for  --json: strconv.ParseBool: parsing \"\": invalid syntax");
  CHECK_THROWS_WITH(parsed({"-j=x"}),
                    "invalid boolean value \"x\" for  -j: strconv.ParseBool: parsing \"x\": invalid syntax");
  try {
    parsed({"-ji"});
    FAIL("no error");
  } catch (OptionError const& error) {
    CHECK(error.said_before == "flag needs an argument: -i");
    CHECK(std::string(error.what()) == "flag provided but not defined: -ji");
  }
}

TEST_CASE("oci-storage: help is asked for in three ways", "[oci-storage]") {
  CHECK(parsed({"-j", "--help", "--nosuch"}).help == HelpWord::usual);
  CHECK(parsed({"-help"}).help == HelpWord::old);
  CHECK(parsed({"-h"}).help == HelpWord::letter);
  CHECK(parsed({"-j"}).help == HelpWord::none);
  CHECK(parsed({"x", "--help"}).help == HelpWord::none);
  CHECK_THROWS_WITH(parsed({"-jh"}), "flag provided but not defined: -jh");
  CHECK_THROWS_WITH(parsed({"-j", "--id"}), "flag needs an argument: --id");
}

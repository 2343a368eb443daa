#include <strata/conf/registries.hpp>
#include <strata/error.hpp>
#include <strata/sys/process.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace strata;

namespace registries_tests {

using conf::Registries;
using oci::Reference;

namespace {

using Words = std::vector<std::string>;

std::string const digest = "@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

std::string const example = R"(
unqualified-search-registries = ["one.test", "two.test:5000/"]
[[registry]]
prefix = "a.test/ns"
location = "b.test:1/x/"
[[registry.mirror]]
location = "m1.test/y"
insecure = true
[[registry.mirror]]
location = "m2.test"
pull-from-mirror = "tag-only"
[[registry.mirror]]
location = "m3.test"
pull-from-mirror = "digest-only"
[[registry]]
location = "a.test"
mirror-by-digest-only = true
mirror = [{location = "m4.test"}]
[[registry]]
prefix = "*.w.test"
insecure = true
[[registry]]
prefix = "*.x.w.test"
location = "v.test/all"
[[registry]]
location = "blocked.test/ns"
blocked = true
[[registry]]
prefix = "t.test/x:1"
location = "u.test/y:2"
[aliases]
"al" = "alias.test/ns/al"
"ns/al" = "docker.io/al"
"hub" = ""
)";

Registries load(FakeHost const& fake, std::string const& text) {
  return Registries::load(fake.host(), fake.write("registries.conf", text));
}

/// With "!" in front where it is insecure; "blocked".
Words sources(Registries const& registries, std::string const& reference) {
  Words out;
  try {
    for (auto const& source : registries.sources_of(Reference::parse(reference)))
      out.push_back((source.insecure ? "!" : "") + source.reference.str());
  } catch (Error const& error) {
    CHECK(error.code() == Errc::image_forbidden);
    out.emplace_back("blocked");
  }
  return out;
}

Words candidates(Registries const& registries, std::string const& text) {
  Words out;
  for (auto const& reference : registries.candidates(text)) out.push_back(reference.str());
  return out;
}

std::error_code error_of(FakeHost const& fake, std::string const& text, std::string const& part = {}) {
  try {
    load(fake, text);
  } catch (Error const& error) {
    INFO(error.what());
    CHECK(error.subject().find(part) != std::string::npos);
    return error.code();
  }
  return {};
}

bool is_installed(char const* program) {
  if (std::system((std::string("command -v ") + program + " >/dev/null").c_str()) == 0) return true;
  WARN(program << " is not installed");
  return false;
}

/// What follows each `before` up to `end`.
Words found_in(std::string const& text, std::string const& before, char end) {
  Words out;
  for (auto at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
    auto const begin = at + before.size();
    out.push_back(text.substr(begin, text.find(end, begin) - begin));
  }
  return out;
}

/// References of each kind.
Words const references{"a.test/ns/i:1",    "a.test/ns/i" + digest, "a.test/i:1",     "a.test/i" + digest,
                       "a.test:5/ns/i:1",  "x.y.w.test/i:1",       "x.w.test/i:1",   "y.x.w.test/i:1",
                       "w.test/i:1",       "xw.test/i:1",          "a.test/nsx/i:1", "blocked.test/ns/i:1",
                       "blocked.test/i:1", "t.test/x:1",           "t.test/x:12",    "other.test/x/i:1"};

}  // namespace

TEST_CASE("registries.conf: an image comes from mirrors, then from its registry's location",
          "[conf][registries]") {
  FakeHost const fake;
  auto const registries = load(fake, example);
  CHECK(sources(registries, "a.test/ns/i") ==
        Words{"!m1.test/y/i:latest", "m2.test/i:latest", "b.test:1/x/i:latest"});
  CHECK(sources(registries, "a.test/ns/i" + digest) ==
        Words{"!m1.test/y/i" + digest, "m3.test/i" + digest, "b.test:1/x/i" + digest});
  CHECK(sources(registries, "a.test/i:1") == Words{"a.test/i:1"});
  CHECK(sources(registries, "a.test/i" + digest) == Words{"m4.test/i" + digest, "a.test/i" + digest});
  CHECK(sources(registries, "a.test/nsx/i:1") == Words{"a.test/nsx/i:1"});
  CHECK(sources(registries, "other.test/i:1") == Words{"other.test/i:1"});
  CHECK(sources(registries, "t.test/x:1") == Words{"t.test/x:1"});  // as in containers/image
}

TEST_CASE("registries.conf: rules for the domains below another", "[conf][registries]") {
  FakeHost const fake;
  auto const registries = load(fake, example);
  CHECK(sources(registries, "x.y.w.test/i:1") == Words{"!x.y.w.test/i:1"});
  CHECK(sources(registries, "w.test/i:1") == Words{"w.test/i:1"});
  CHECK(sources(registries, "xw.test/i:1") == Words{"xw.test/i:1"});
  CHECK(sources(registries, "y.x.w.test/i:1") == Words{"v.test/all/i:1"});
  CHECK(sources(registries, "y.w.test:5/i:1") == Words{"!y.w.test:5/i:1"});
}

TEST_CASE("registries.conf: a blocked registry is an error that names it", "[conf][registries]") {
  FakeHost const fake;
  auto const registries = load(fake, example);
  CHECK(sources(registries, "blocked.test/ns/i:1") == Words{"blocked"});
  CHECK(sources(registries, "blocked.test/i:1") == Words{"blocked.test/i:1"});
  CHECK_THROWS_WITH(registries.sources_of(Reference::parse("blocked.test/ns/i:1")),
                    Catch::Contains("blocked.test/ns/i:1: registries.conf blocks \"blocked.test/ns\""));
}

TEST_CASE("registries.conf: a location that makes no reference is an error", "[conf][registries]") {
  FakeHost const fake;
  for (auto const* location : {"B.test/X", "b", "b.test/x:1", "docker.io", "b.test/"}) {
    INFO(location);
    auto const registries =
        load(fake, "[[registry]]\nprefix = 'a.test/x'\nlocation = '" + std::string(location) + "'");
    bool const right = std::string(location) == "b.test/";
    try {
      registries.sources_of(Reference::parse("a.test/x/i:1"));
      CHECK(right);
    } catch (Error const& error) {
      CHECK(error.code() == Errc::configuration);
      CHECK_FALSE(right);
    }
  }
}

TEST_CASE("registries.conf: short names", "[conf][registries]") {
  FakeHost const fake;
  auto const registries = load(fake, example);
  CHECK(candidates(registries, "al") == Words{"alias.test/ns/al:latest"});
  CHECK(candidates(registries, "al:2") == Words{"alias.test/ns/al:2"});
  CHECK(candidates(registries, "al" + digest) == Words{"alias.test/ns/al" + digest});
  CHECK(candidates(registries, "ns/al") == Words{"docker.io/library/al:latest"});
  CHECK(candidates(registries, "other:3") == Words{"one.test/other:3", "two.test:5000/other:3"});
  CHECK(candidates(registries, "hub") == Words{"one.test/hub:latest", "two.test:5000/hub:latest"});
  CHECK(candidates(registries, "two.test:5000/x") == Words{"two.test:5000/x:latest"});
  CHECK(candidates(registries, "localhost/x:1") == Words{"localhost/x:1"});
  CHECK_THROWS_AS(registries.candidates("UPPER"), Error);
  CHECK(registries.resolve("other").size() == 2);
  CHECK(registries.mode() == conf::ShortNameMode::permissive);
  auto const strict = load(fake, "short-name-mode = 'enforcing'\n" + example);
  CHECK_THROWS_WITH(strict.resolve("other"),
                    Catch::Contains("one.test/other:latest, two.test:5000/other:latest"));
  CHECK(strict.resolve("al").size() == 1);
  CHECK_THROWS_WITH(load(fake, "").resolve("other"), Catch::Contains("short name \"other\""));
}

TEST_CASE("registries.conf: the user's file, drop-ins and what they replace", "[conf][registries]") {
  FakeHost fake;
  auto const loaded = [&](std::uint32_t uid = 0) { return Registries::load(fake.host(uid)); };
  CHECK(loaded().files().empty());
  fake.write("etc/containers/registries.conf",
             "unqualified-search-registries = ['etc.test']\n[[registry]]\nlocation='r.test'");
  fake.write("etc/containers/registries.conf.d/20.conf",
             "[[registry]]\nlocation='r.test'\nblocked=true\n[aliases]\n'x'='b.test/x'");
  fake.write(
      "etc/containers/registries.conf.d/10.conf",
      "unqualified-search-registries = ['ten.test']\nshort-name-mode='disabled'\n[aliases]\n'x'='a.test/x'");
  fake.write("etc/containers/registries.conf.d/30.txt", "=");
  fake.write("etc/containers/registries.conf.d/40.conf/50.conf", "=");
  CHECK(loaded().search() == Words{"ten.test"});
  CHECK(loaded().mode() == conf::ShortNameMode::disabled);
  CHECK(candidates(loaded(), "x") == Words{"b.test/x:latest"});
  CHECK(sources(loaded(), "r.test/x") == Words{"blocked"});
  fake.write("home/.config/containers/registries.conf.d/05.conf", "[aliases]\n'x'='c.test/x'\n");
  CHECK(candidates(loaded(), "x") == Words{"c.test/x:latest"});
  fake.write("home/.config/containers/registries.conf", "unqualified-search-registries = ['home.test']");
  CHECK(loaded().search() == Words{"home.test"});
  CHECK(sources(loaded(), "r.test/x") == Words{"r.test/x:latest"});
  CHECK(candidates(loaded(), "x") == Words{"c.test/x:latest"});
  fake.write("var/cache/containers/short-name-aliases.conf", "[aliases]\n'x'='recorded.test/x'\n");
  CHECK(candidates(loaded(), "x") == Words{"recorded.test/x:latest"});
  CHECK(candidates(loaded(1000), "x") == Words{"c.test/x:latest"});
  fake.write("home/.cache/containers/short-name-aliases.conf", "[aliases]\n'x'='own.test/x'\n");
  CHECK(candidates(loaded(1000), "x") == Words{"own.test/x:latest"});
  fake.variables["CONTAINERS_REGISTRIES_CONF"] = fake.write("named", "unqualified-search-registries = []");
  CHECK(loaded().search() == Words{"ten.test"});
  CHECK(loaded().files().size() == 5);
  fake.variables["CONTAINERS_REGISTRIES_CONF"] = (fake.dir / "none").native();
  CHECK_THROWS_AS(loaded(), Error);
}

TEST_CASE("registries.conf: drop-ins that are links", "[conf][registries]") {
  FakeHost fake;
  auto const target = fake.write("elsewhere", "[aliases]\n'x'='a.test/x'\n");
  fs::create_directories(fake.dir / "etc/containers/registries.conf.d");
  auto const link = [&](char const* name, fs::path const& to) {
    fs::create_symlink(to, fake.dir / "etc/containers/registries.conf.d" / name);
  };
  link("10.conf", target);
  link("20.conf", "nowhere");
  CHECK(candidates(Registries::load(fake.host()), "x") == Words{"a.test/x:latest"});
  link("30.conf", "30.conf");
  CHECK_THROWS_WITH(Registries::load(fake.host()), Catch::Contains("30.conf"));
}

TEST_CASE("registries.conf: version 1 is read as version 2, but not in a drop-in", "[conf][registries]") {
  FakeHost fake;
  std::string const first =
      "[registries.search]\nregistries=['one.test','two.test/']\n[registries.insecure]\nregistries=['i.test/"
      "']\n"
      "[registries.block]\nregistries=['b.test','i.test/x']\n";
  auto const registries = load(fake, first);
  CHECK(registries.search() == Words{"one.test", "two.test"});
  CHECK(sources(registries, "i.test/y:1") == Words{"!i.test/y:1"});
  CHECK(sources(registries, "i.test/x:1") == Words{"blocked"});
  CHECK(error_of(fake, first + "[[registry]]\nlocation='x.test'", "version 1 and version 2") ==
        Errc::configuration);
  fake.write("etc/containers/registries.conf.d/10.conf", first);
  CHECK(error_of(fake, "", "10.conf") == Errc::configuration);
}

TEST_CASE("registries.conf: what is wrong is told with file, line and key", "[conf][registries]") {
  FakeHost const fake;
  for (auto const* text :
       {"[[registry]]\n",
        "[[registry]]\nprefix='a.test'",
        "[[registry]]\nlocation='http://a.test'",
        "[[registry]]\nprefix='*.a.test/x'\nlocation='b.test'",
        "[[registry]]\nprefix='*.a.test:5'",
        "[[registry]]\nlocation='a.test'\npull-from-mirror='all'",
        "[[registry]]\nlocation='a.test'\n[[registry.mirror]]\ninsecure=true",
        "[[registry]]\nlocation='a.test'\n[[registry.mirror]]\nlocation='b.test'\npull-from-mirror='x'",
        "[[registry]]\nlocation='a.test'\nmirror-by-digest-only=true\n[[registry.mirror]]\nlocation='b.test'"
        "\npull-from-mirror='all'",
        "[[registry]]\nlocation='a.test'\n[[registry]]\nprefix='b.test'\nlocation='a.test'\ninsecure=true",
        "[[registry]]\nlocation='a.test'\n[[registry]]\nprefix='b.test'\nlocation='a.test'\nblocked=true",
        "[registry]\nlocation='a.test'",
        "registry=['a.test']",
        "unqualified-search-registries=['a.test/x']",
        "unqualified-search-registries=['']",
        "unqualified-search-registries='a.test'",
        "short-name-mode='x'",
        "[aliases]\n'a.test/x'='b.test/x'",
        "[aliases]\n'x:1'='b.test/x'",
        "[aliases]\n'x'='y'",
        "[aliases]\n'x'='b.test/x:1'",
        "[aliases]\n'x'='b.test/X'",
        "[aliases]\n'x'=1",
        "[[registry]]\nlocation=1",
        "[",
        "[[registry]]\nblocked='yes'"}) {
    INFO(text);
    CHECK(error_of(fake, text, "toml: line ") == Errc::configuration);
    CHECK(error_of(fake, text, "registries.conf") == Errc::configuration);
  }
  CHECK(
      load(fake, "[[registry]]\nlocation='a.test'\nblockd=true").warnings().front().find("registry.blockd") !=
      std::string::npos);
  CHECK(error_of(fake, "x = " + std::string(100'000, '['), "toml: line 1") == Errc::configuration);
  CHECK(error_of(fake, std::string(5 << 20, '\n')) == Errc::over_budget);
  CHECK_THROWS_AS(Registries::load(fake.host(), "/dev/zero"), Error);
}

TEST_CASE("skopeo pulls from the same places", "[conf][registries][skopeo]") {
  if (!is_installed("skopeo")) return;
  FakeHost const fake;
  auto const registries = load(fake, example);
  auto const file = (fake.dir / "registries.conf").native();
  for (auto const& reference : references) {
    INFO(reference);
    auto const said = sys::run({"env", "HOME=" + (fake.dir / "home").native(), "timeout", "60", "skopeo",
                                "--debug", "--registries-conf", file, "inspect", "docker://" + reference},
                               {.keep_words = true})
                          .said;
    auto theirs = found_in(said, "Trying to access \\\"", '\\');
    if (said.find(" is blocked in ") != std::string::npos) theirs = {"blocked"};
    auto ours = sources(registries, reference);
    for (auto& text : ours)
      if (text.starts_with('!')) text.erase(0, 1);
    CHECK(ours == theirs);
  }
}

TEST_CASE("podman completes short names in the same way", "[conf][registries][podman]") {
  if (!is_installed("podman")) return;
  FakeHost const fake;
  auto const registries = load(fake, example);
  auto const file = (fake.dir / "registries.conf").native();
  for (std::string const text : {"al", "al:2", "ns/al", "other:3", "hub", "one.test/x", "localhost/x"}) {
    INFO(text);
    auto const said = sys::run({"env", "HOME=" + (fake.dir / "home").native(),
                                "CONTAINERS_REGISTRIES_CONF=" + file, "timeout", "60", "podman", "--root",
                                (fake.dir / "root").native(), "--runroot", (fake.dir / "run").native(),
                                "--storage-driver", "vfs", "--log-level=debug", "pull", "-q", text},
                               {.keep_words = true})
                          .said;
    CHECK(candidates(registries, text) == found_in(said, "Attempting to pull candidate ", ' '));
  }
}

}  // namespace registries_tests

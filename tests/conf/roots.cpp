#include <strata/conf/roots.hpp>
#include <strata/fs.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"

using namespace strata;

TEST_CASE("conf: default roots of root and of an ordinary user", "[conf]") {
  FakeHost fake;
  auto roots = conf::default_roots(fake.host());
  CHECK(roots.graph_root == "/var/lib/containers/storage");
  CHECK(roots.run_root == "/run/containers/storage");

  fake.variables["TMPDIR"] = "/tmp/of mine";
  roots = conf::default_roots(fake.host(1000));
  CHECK(roots.graph_root == fake.dir / "home/.local/share/containers/storage");
  CHECK(roots.run_root == "/tmp/of mine/storage-run-1000/containers");
  fs::create_directories(fake.dir / "run/user/1000");
  CHECK(conf::default_roots(fake.host(1000)).run_root == fake.dir / "run/user/1000/containers");

  fake.variables["XDG_DATA_HOME"] = "/data";
  fake.variables["XDG_RUNTIME_DIR"] = "/runtime/that is not there";
  roots = conf::default_roots(fake.host(1000));
  CHECK(roots.graph_root == "/data/containers/storage");
  CHECK(roots.run_root == "/runtime/that is not there/containers");

  // Root of a user namespace that is nobody's own uses the machine's directories.
  auto nested = fake.host();
  nested.rootless = true;
  CHECK(conf::default_roots(nested).graph_root == "/var/lib/containers/storage");
}

TEST_CASE("conf: variables in paths", "[conf]") {
  FakeHost fake;
  fake.variables["NAME"] = "value";
  auto const expanded = [&](std::string_view text) { return conf::expand_variables(text, fake.host(1000)); };
  CHECK(expanded("/a/$UID/b") == "/a/1000/b");
  CHECK(expanded("/$NAME/${NAME}x/$NAMEx/y") == "/value/valuex//y");
  CHECK(expanded("$UIDx") == "1000x");
  CHECK(expanded("/a$/b$") == "/a$/b$");
  CHECK(expanded("/a${}b${NAME") == "/abNAME");
  CHECK(expanded("") == "");
}

TEST_CASE("conf: a path is followed if it exists and tidied if not", "[conf]") {
  FakeHost fake;
  fs::create_directories(fake.dir / "real");
  fs::create_directory_symlink("real", fake.dir / "link");
  auto const base = fs::canonical(fake.dir.path());
  CHECK(conf::expand_path((fake.dir / "link").native(), fake.host()) == base / "real");
  CHECK(conf::expand_path("/no/such/../$UID//x/", fake.host(7)) == "/no/7/x");
}

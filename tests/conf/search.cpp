#include <strata/conf/search.hpp>
#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"
#include <string>
#include <system_error>
#include <vector>

using namespace strata;

namespace {

std::vector<std::string> found(FakeHost const& fake, std::uint32_t uid = 0) {
  std::vector<std::string> names;
  for (auto const& file : conf::find_files(fake.host(uid)))
    names.push_back(file.path.lexically_relative(fake.dir.path()).native());
  return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("conf: one main file, the user's before the machine's", "[conf]") {
  FakeHost fake;
  CHECK(found(fake).empty());
  fake.write("usr/share/containers/storage.conf", "");
  CHECK(found(fake) == Names{"usr/share/containers/storage.conf"});
  fake.write("etc/containers/storage.conf", "");
  CHECK(found(fake) == Names{"etc/containers/storage.conf"});
  fake.write("home/.config/containers/storage.conf", "");
  CHECK(found(fake) == Names{"home/.config/containers/storage.conf"});
  CHECK(found(fake, 1000) == Names{"home/.config/containers/storage.conf"});
  fake.variables["XDG_CONFIG_HOME"] = (fake.dir / "nowhere").native();
  CHECK(found(fake) == Names{"etc/containers/storage.conf"});
}

TEST_CASE("conf: drop-ins of all places by file name, the highest place of each name", "[conf]") {
  FakeHost fake;
  fake.write("etc/containers/storage.conf", "");
  for (auto const* path :
       {"usr/share/containers/storage.conf.d/10-a.conf", "etc/containers/storage.conf.d/10-a.conf",
        "etc/containers/storage.conf.d/30-c.conf", "etc/containers/storage.conf.d/README",
        "usr/share/containers/storage.rootful.conf.d/20-b.conf",
        "etc/containers/storage.rootless.conf.d/20-b.conf",
        "etc/containers/storage.rootless.conf.d/1000/20-b.conf",
        "etc/containers/storage.rootless.conf.d/1001/40-d.conf",
        "home/.config/containers/storage.conf.d/30-c.conf",
        "etc/containers/storage.conf.d/50-directory.conf/file"})
    fake.write(path, "");
  CHECK(found(fake) == Names{"etc/containers/storage.conf", "etc/containers/storage.conf.d/10-a.conf",
                             "usr/share/containers/storage.rootful.conf.d/20-b.conf",
                             "home/.config/containers/storage.conf.d/30-c.conf"});
  CHECK(found(fake, 1000) == Names{"etc/containers/storage.conf", "etc/containers/storage.conf.d/10-a.conf",
                                   "etc/containers/storage.rootless.conf.d/1000/20-b.conf",
                                   "home/.config/containers/storage.conf.d/30-c.conf"});
}

TEST_CASE("conf: files that variables name", "[conf]") {
  FakeHost fake;
  fake.write("etc/containers/storage.conf", "");
  fake.write("etc/containers/storage.conf.d/10.conf", "");
  fake.variables["CONTAINERS_STORAGE_CONF_OVERRIDE"] = fake.write("last.conf", "");
  CHECK(found(fake) ==
        Names{"etc/containers/storage.conf", "etc/containers/storage.conf.d/10.conf", "last.conf"});
  fake.variables["CONTAINERS_STORAGE_CONF"] = fake.write("only.conf", "");
  CHECK(found(fake) == Names{"only.conf", "last.conf"});
  fake.variables["CONTAINERS_STORAGE_CONF"] = "";
  CHECK(found(fake).size() == 3);
  for (auto const* variable : {"CONTAINERS_STORAGE_CONF", "CONTAINERS_STORAGE_CONF_OVERRIDE"}) {
    FakeHost missing;
    missing.variables[variable] = "/no/such.conf";
    try {
      conf::find_files(missing.host());
      FAIL("found");
    } catch (Error const& error) {
      CHECK(error.code() == std::errc::no_such_file_or_directory);
      CHECK(error.subject() == "stat /no/such.conf");
    }
  }
}

#include <strata/conf/host.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <unistd.h>

using strata::conf::Host;

TEST_CASE("conf: who the user is, also in a container program's user namespace", "[conf]") {
  for (auto const* name : {"_CONTAINERS_ROOTLESS_UID", "_CONTAINERS_USERNS_CONFIGURED"}) ::unsetenv(name);
  CHECK(Host::current().uid == ::geteuid());
  CHECK((Host::current().rootless || ::geteuid() == 0));

  ::setenv("_CONTAINERS_USERNS_CONFIGURED", "done", 1);
  CHECK(Host::current().rootless);
  ::setenv("_CONTAINERS_ROOTLESS_UID", "1234", 1);
  auto const host = Host::current();
  CHECK(host.uid == 1234);
  CHECK(host.own_store());
  CHECK(host.variable("_CONTAINERS_ROOTLESS_UID") == "1234");
  CHECK(host.variable("_CONTAINERS_NO_SUCH").empty());
  ::setenv("_CONTAINERS_ROOTLESS_UID", "nobody", 1);
  CHECK(Host::current().uid == 0);
  for (auto const* name : {"_CONTAINERS_ROOTLESS_UID", "_CONTAINERS_USERNS_CONFIGURED"}) ::unsetenv(name);
}

#include <strata/conf/rootless.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace strata;

TEST_CASE("conf: root gets a namespace of its own with all ids, and it says so in the environment",
          "[conf][userns]") {
  if (::geteuid() != 0 || !sys::has_all_ids()) return;
  auto const child = ::fork();
  if (child == 0) {
    int wrong = 0;
    try {
      auto const warnings = conf::enter_own_namespace(conf::Host::current());
      auto const is = [](char const* name, std::string const& value) {
        auto const* const text = std::getenv(name);
        return text != nullptr && text == value;
      };
      wrong |= warnings.empty() ? 0 : 1;
      wrong |= is("_CONTAINERS_USERNS_CONFIGURED", "done") ? 0 : 2;
      wrong |= is("_CONTAINERS_ROOTLESS_UID", "0") && is("_CONTAINERS_ROOTLESS_GID", "0") ? 0 : 4;
      wrong |= is("BUILDAH_ISOLATION", "rootless") ? 0 : 8;
      wrong |= conf::Host::current().rootless && sys::has_all_ids() ? 0 : 16;
    } catch (...) {
      wrong |= 32;
    }
    ::_exit(wrong);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("conf: who is root for a user already does not go deeper", "[conf][userns]") {
  if (::geteuid() != 0) return;
  conf::Host host = conf::Host::current();
  host.uid = 1000;
  CHECK(conf::in_own_namespace(host));
  auto const before = sys::read_file("/proc/self/uid_map");
  CHECK(conf::enter_own_namespace(host).empty());
  CHECK(sys::read_file("/proc/self/uid_map") == before);
}

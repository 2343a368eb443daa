#include <strata/sys/userns.hpp>

#include <catch2/catch.hpp>

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace strata;

TEST_CASE("userns: a new namespace is told from the machine's", "[sys][userns]") {
  if (::geteuid() == 0 && sys::has_all_ids() && !sys::in_user_namespace()) CHECK(sys::has_admin_rights());
  auto const child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(0);
    ::_exit(sys::in_user_namespace() && sys::has_admin_rights() && !sys::has_all_ids() ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

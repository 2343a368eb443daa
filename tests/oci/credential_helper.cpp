#include <strata/error.hpp>
#include <strata/oci/credential_helper.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>

using namespace strata;

namespace credential_helper_tests {

using namespace std::chrono_literals;
using oci_tools::error_of;

namespace {

/// Helpers of our own, found before others.
class Helpers {
 public:
  Helpers() : path_(std::getenv("PATH")) {
    ::setenv("PATH", (dir_.path().native() + ":" + path_).c_str(), 1);
  }
  Helpers(Helpers&&) = delete;
  Helpers& operator=(Helpers&&) = delete;
  ~Helpers() { ::setenv("PATH", path_.c_str(), 1); }

  /// A helper as a script, with what it is asked in `$asked` and `$server`.
  void add(std::string const& name, std::string const& script) const {
    sys::replace_file(dir_ / ("docker-credential-" + name),
                      "#!/bin/sh\nasked=$*; read -r server\n" + script + '\n', {.mode = 0755});
  }

 private:
  testing::TempDir dir_ = {};
  std::string path_;
};

}  // namespace

TEST_CASE("a credential helper is asked by its protocol", "[oci][auth]") {
  Helpers const helpers;
  helpers.add("echo", R"(printf '{"ServerURL":"x","Username":"%s","Secret":"%s"}' "$asked" "$server")");
  auto const found = oci::ask_credential_helper("echo", "r.io:5000");
  REQUIRE(found);
  CHECK(found->username == "get");
  CHECK(found->password == "r.io:5000");
  helpers.add("token", R"(echo '{"Username":"<token>","Secret":"T"}')");
  CHECK(oci::ask_credential_helper("token", "r.io")->identity_token == "T");
  CHECK(oci::ask_credential_helper("token", "r.io")->username.empty());
  helpers.add("none", "echo 'credentials not found in native keychain'; exit 1");
  CHECK_FALSE(oci::ask_credential_helper("none", "r.io"));
}

TEST_CASE("what is wrong with a credential helper is told without what it said", "[oci][auth]") {
  Helpers const helpers;
  helpers.add("fails", "echo secret; exit 3");
  helpers.add("html", "echo '<html>secret'");
  helpers.add("type", R"(echo '{"Username":"a","Secret":["secret"]}')");
  helpers.add("twice", R"(echo '{"Username":"a","secret":1,"secret":2}')");
  for (auto const* name : {"fails", "html", "type", "twice"}) {
    INFO(name);
    try {
      oci::ask_credential_helper(name, "r.io");
      FAIL("no error");
    } catch (Error const& error) {
      CHECK(error.code() == Errc::configuration);
      CHECK(error.subject().starts_with("docker-credential-" + std::string(name) + " for r.io: "));
      CHECK(error.subject().find("secret") == std::string::npos);
    }
  }
  helpers.add("endless", "exec cat /dev/zero");
  CHECK(error_of([] { oci::ask_credential_helper("endless", "r.io"); }) == Errc::over_budget);
  helpers.add("hangs", "exec sleep 60");
  CHECK(error_of([] { oci::ask_credential_helper("hangs", "r.io", 100ms); }) == oci_tools::system(ETIMEDOUT));
  CHECK(error_of([] { oci::ask_credential_helper("there-is-none", "r.io"); }) == oci_tools::system(ENOENT));
}

TEST_CASE("the name of a credential helper is one of a program, not a path or a command", "[oci][auth]") {
  Helpers const helpers;
  for (auto const* name : {"", "/bin/sh", "../x", "a b", "a;b", "$(a)", "a\n"}) {
    INFO(name);
    CHECK(error_of([&] { oci::ask_credential_helper(name, "r.io"); }) == Errc::configuration);
  }
}

}  // namespace credential_helper_tests

#include <strata/conf/find_credentials.hpp>
#include <strata/error.hpp>
#include <strata/sys/process.hpp>

#include <catch2/catch.hpp>

#include "tools.hpp"
#include <array>
#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace strata;

namespace find_credentials_tests {

namespace {

/// The file of a user "a", "b", … with the password "p".
std::string file_of(char user, std::string const& key = "r.io") {
  std::string const encoded = user == 'a'   ? "YTpw"
                              : user == 'b' ? "Yjpw"
                              : user == 'c' ? "Yzpw"
                              : user == 'd' ? "ZDpw"
                                            : "ZTpw";
  return R"({"auths":{")" + key + R"(":{"auth":")" + encoded + R"("}}})";
}

std::string user(FakeHost const& fake, std::string const& reference = "r.io/ns/x",
                 conf::CredentialOptions const& options = {}) {
  return conf::find_credentials(oci::Reference::parse(reference), fake.host(), options).username;
}

std::error_code error_of(FakeHost const& fake, conf::CredentialOptions const& options = {}) {
  try {
    user(fake, "r.io/ns/x", options);
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

}  // namespace

TEST_CASE("conf: credentials of the first file that has some", "[conf][auth]") {
  FakeHost fake;
  CHECK(user(fake).empty());
  fake.write("home/.dockercfg", R"({"https://r.io/v1/":{"auth":"YTpw"}})");
  CHECK(user(fake) == "a");
  fake.write("home/.docker/config.json", file_of('b'));
  CHECK(user(fake) == "b");
  fake.variables["DOCKER_CONFIG"] = (fake.dir / "docker").native();
  CHECK(user(fake) == "a");
  fake.write("docker/config.json", file_of('c'));
  CHECK(user(fake) == "c");
  fake.write("home/.config/containers/auth.json", file_of('d'));
  CHECK(user(fake) == "d");
  fake.variables["XDG_CONFIG_HOME"] = (fake.dir / "config").native();
  CHECK(user(fake) == "c");
  fake.write("run/containers/0/auth.json", file_of('e'));
  CHECK(user(fake) == "e");
  fake.variables["XDG_RUNTIME_DIR"] = (fake.dir / "runtime").native();
  CHECK(user(fake) == "c");
  fake.write("runtime/containers/auth.json", file_of('b'));
  CHECK(user(fake) == "b");
  fake.variables["REGISTRY_AUTH_FILE"] = fake.write("named", file_of('d'));
  CHECK(user(fake) == "d");
  CHECK(user(fake, "r.io/x", {.auth_file = fake.write("given", file_of('a'))}) == "a");
  CHECK(user(fake, "r.io/x", {.auth_file = fake.write("given", R"({"auths":{"r.io":{}}})")}) == "c");
}

TEST_CASE("conf: a file of credentials that is named must be there, and each must be one", "[conf][auth]") {
  FakeHost fake;
  CHECK(error_of(fake, {.auth_file = fake.dir / "none"}) == std::errc::no_such_file_or_directory);
  fake.write("home/.docker/config.json", "{");
  CHECK(error_of(fake) == Errc::configuration);
  fake.write("home/.config/containers/auth.json", file_of('a'));
  CHECK(user(fake) == "a");
}

TEST_CASE("conf: helpers for any registry, in their order", "[conf][auth]") {
  FakeHost fake;
  fake.write("home/.config/containers/auth.json", file_of('a'));
  auto const ask = [](std::string const& name, std::string const& server) -> std::optional<oci::Credentials> {
    if (name == "fails") throw Error(Errc::configuration, "docker-credential-fails");
    if (name == "none") return std::nullopt;
    return oci::Credentials{.username = name + " for " + server, .password = "p"};
  };
  CHECK(user(fake, "r.io/x", {.helpers = {"fails", "none", "pass", "containers-auth.json"}, .ask = ask}) ==
        "pass for r.io");
  CHECK(user(fake, "r.io/x", {.helpers = {"none", "containers-auth.json"}, .ask = ask}) == "a");
  CHECK(error_of(fake, {.helpers = {"none", "fails"}, .ask = ask}) == Errc::configuration);
  CHECK(user(fake, "r.io/x", {.helpers = {"none"}, .ask = ask}).empty());
}

TEST_CASE("podman finds the same credentials", "[conf][auth][podman]") {
  if (std::system("command -v podman >/dev/null") != 0) {
    WARN("podman is not installed");
    return;
  }
  FakeHost fake;
  auto const file = fake.write(
      "auth.json",
      R"({"auths":{"r.io/ns":{"auth":"YTpw"},"https://index.docker.io/v1/":{"auth":"Yjpw"},"https://u.io/v2/":{"auth":"Yzpw"},
"s.io":{"auth":"ZDpw"},"s.io/ns/x":{"auth":"ZTpw"},"nl.io":{"auth":"YTpw\nYXNz"},"none.io":{"auth":"YWJj"},"bad.io":{"auth":"?"}}})");
  for (auto const* key :
       {"r.io/ns", "r.io/ns/x", "r.io/other", "r.io/nsx", "docker.io/library/x", "u.io/x", "s.io/x",
        "s.io/ns/x", "s.io/ns/x/y", "s.io/ns", "nl.io/x", "none.io/x", "bad.io/x"}) {
    INFO(key);
    auto const theirs = sys::run({"env", "-u", "XDG_RUNTIME_DIR", "HOME=" + (fake.dir / "home").native(),
                                  "podman", "login", "--get-login", "--authfile", file, key},
                                 {.keep_words = true});
    std::string ours = "error";
    try {
      ours = user(fake, key, {.auth_file = file});
    } catch (Error const&) {
    }
    CHECK(theirs.succeeded() == (ours != "error" && !ours.empty()));
    if (theirs.succeeded()) CHECK(theirs.said == ours + '\n');
  }
}

}  // namespace find_credentials_tests

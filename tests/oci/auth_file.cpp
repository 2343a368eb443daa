#include <strata/error.hpp>
#include <strata/oci/auth_file.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "oci_tools.hpp"
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace strata;

namespace auth_file_tests {

using oci::AuthFile;
using oci::AuthFormat;
using oci::Credentials;
using oci::Reference;
using oci_tools::error_of;

namespace {

/// The user, or the token behind "token ", or "none".
std::string user_of(std::optional<Credentials> const& found) {
  if (!found) return "none";
  return found->identity_token.empty() ? found->username : "token " + found->identity_token;
}

std::string user(std::string const& text, std::string const& reference,
                 AuthFormat format = AuthFormat::current) {
  auto const file = AuthFile::parse(text, "auth.json", format);
  return user_of(
      file.find(Reference::parse(reference), [](std::string const& helper, std::string const& server) {
        return helper == "empty"
                   ? std::nullopt
                   : std::optional(Credentials{.username = helper + " for " + server, .password = "p"});
      }));
}

// a:p, b:p, c:p
constexpr char three[] =
    R"({"auths":{"r.io":{"auth":"YTpw"},"r.io/ns":{"auth":"Yjpw"},"r.io/ns/x/repo":{"auth":"Yzpw"}}})";

}  // namespace

TEST_CASE("auth.json: the most specific entry of a repository counts", "[oci][auth]") {
  CHECK(user(three, "r.io/ns/x/repo:1") == "c");
  CHECK(user(three, "r.io/ns/x/other") == "b");
  CHECK(user(three, "r.io/ns") == "b");
  CHECK(user(three, "r.io/nsx/y") == "a");
  CHECK(user(three, "r.io:5000/ns/y") == "none");
  CHECK(user(three, "other.io/ns") == "none");
  CHECK(user(R"({"auths":{"r.io/ns":{"auth":"Yjpw"}}})", "r.io/x") == "none");
}

TEST_CASE("auth.json: keys that are URLs are those of their hosts", "[oci][auth]") {
  CHECK(user(R"({"auths":{"https://r.io/v1/":{"auth":"YTpw"}}})", "r.io/x") == "a");
  CHECK(user(R"({"auths":{"http://r.io":{"auth":"YTpw"}}})", "r.io/x") == "a");
  for (auto const* key : {"https://index.docker.io/v1/", "index.docker.io", "docker.io",
                          "registry-1.docker.io", "docker.io/library", "docker.io/library/debian"})
    CHECK(user(R"({"auths":{")" + std::string(key) + R"(":{"auth":"YTpw"}}})", "debian") == "a");
  CHECK(user(R"({"r.io/v1/":{"auth":"YTpw"}})", "r.io/x", AuthFormat::legacy) == "a");
  CHECK(user(R"({"r.io/x":{"auth":"YTpw"}, "r.io":{"auth":"Yjpw"}})", "r.io/x", AuthFormat::legacy) == "b");
}

TEST_CASE("auth.json: passwords, tokens, and entries without any", "[oci][auth]") {
  auto const found = [](std::string const& entry) {
    return AuthFile::parse(R"({"auths":{"r.io":)" + entry + "}}", "f").find(Reference::parse("r.io/x"));
  };
  CHECK(found(R"({"auth":"YTpiOmM="})")->password == "b:c");
  CHECK(found(R"({"auth":"YTpw\nYXNz"})")->password == "pass");
  CHECK(found(R"({"auth":"YTpwAAA="})")->password == "p");  // padded with NUL
  CHECK(found(R"({"auth":"dTo=","identitytoken":"T"})")->identity_token == "T");
  CHECK(found(R"({"identitytoken":"T"})")->identity_token == "T");
  for (auto const* empty :
       {"{}", "null", R"({"auth":""})", R"({"auth":"YWJj"})", R"({"auth":"YTo="})", R"({"auth":"OnA="})"})
    CHECK_FALSE(found(empty));
}

TEST_CASE("auth.json: helpers are asked before the entries, and the store of all after them", "[oci][auth]") {
  std::string const helpers =
      R"({"credHelpers":{"r.io":"one","docker.io":"hub"},"credsStore":"all","auths":{"r.io":{"auth":"YTpw"},"s.io":{"auth":"Yjpw"},"e.io":{}}})";
  CHECK(user(helpers, "r.io/ns/x") == "one for r.io");
  CHECK(user(helpers, "debian") == "hub for docker.io");
  CHECK(user(helpers, "s.io/x") == "b");
  CHECK(user(helpers, "e.io/x") == "all for e.io");
  CHECK(user(helpers, "t.io:1/x") == "all for t.io:1");
  CHECK(user(R"({"credsStore":"all"})", "debian") == "all for https://index.docker.io/v1/");
  CHECK(user(R"({"credHelpers":{"https://index.docker.io/v1/":"hub"}})", "debian") ==
        "hub for https://index.docker.io/v1/");
  CHECK(user(R"({"credHelpers":{"r.io":"empty"},"auths":{"r.io":{"auth":"YTpw"}}})", "r.io/x") == "none");
}

TEST_CASE("auth.json: what is wrong with it is told without a secret", "[oci][auth]") {
  auto const wrong = [](std::string const& text) {
    try {
      AuthFile::parse(text, "auth.json").find(Reference::parse("r.io/x"));
    } catch (Error const& error) {
      INFO(error.what());
      CHECK(error.code() == Errc::configuration);
      CHECK(error.subject().starts_with("auth.json"));
      CHECK(error.subject().find("secret") == std::string::npos);
      CHECK(error.subject().find("c2VjcmV0") == std::string::npos);
      return true;
    }
    return false;
  };
  for (auto const* text :
       {"", "secret", "[]", R"({"auths":[]})", R"({"auths":{"r.io":"secret"}})",
        R"({"auths":{"r.io":{"auth":["secret"]}}})", R"({"auths":{"r.io":{"auth":"c2VjcmV0?"}}})",
        R"({"auths":{"r.io":{"auth":"c2VjcmV0"})", R"({"credHelpers":{"r.io":1}})",
        R"({"auths":{"r.io":{"auth":"YTpw"}}} "secret")", R"({"AUTHS":{"r.io":{"auth":"YTpw"}}})",
        R"({"auths":{"r.io":{"auth":"c2VjcmV0","auth":"c2VjcmV0"}}})"}) {
    INFO(text);
    CHECK(wrong(text));
  }
  CHECK(error_of([] { AuthFile::parse(std::string(5 << 20, ' '), "auth.json"); }) == Errc::over_budget);
  CHECK(error_of([] { AuthFile::parse(std::string(100'000, '['), "auth.json"); }) == Errc::over_budget);
}

TEST_CASE("auth.json: a file that is not there, and one without an end", "[oci][auth]") {
  testing::TempDir const dir;
  CHECK_FALSE(AuthFile::read(dir / "none"));
  sys::replace_file(dir / "auth.json", three);
  CHECK(user_of(AuthFile::read(dir / "auth.json")->find(Reference::parse("r.io/x"))) == "a");
  CHECK(error_of([] { AuthFile::read("/dev/zero"); }, "/dev/zero") == Errc::over_budget);
  fs::create_symlink("loop", dir / "loop");
  CHECK(error_of([&] { AuthFile::read(dir / "loop"); }, "loop") == oci_tools::system(ELOOP));
}

}  // namespace auth_file_tests

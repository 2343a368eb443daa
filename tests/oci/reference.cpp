#include <strata/oci/reference.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <system_error>
#include <unordered_set>

using namespace strata;
using namespace strata::oci;

namespace {

std::string const hex_digits(64, 'a');
std::string const digest_suffix = "@sha256:" + hex_digits;

std::string full_name(std::string const& text) { return Reference::parse(text).str(); }

bool refused(std::string const& text) {
  std::error_code error;
  auto const found = Reference::parse(text, error);
  CHECK(!found == (error == Errc::invalid_reference));
  return !found;
}

}  // namespace

TEST_CASE("a reference is completed as Docker and Podman complete it", "[oci][reference]") {
  struct Case {
    std::string typed, full, familiar;
  };
  // As skopeo of Debian 12 writes these to the RepoTags of an archive.
  for (auto const& [typed, expected, familiar] :
       {Case{"debian", "docker.io/library/debian:latest", "debian:latest"},
        {"debian:12", "docker.io/library/debian:12", "debian:12"},
        {"library/debian", "docker.io/library/debian:latest", "debian:latest"},
        {"index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
        {"index.docker.io/a/b", "docker.io/a/b:latest", "a/b:latest"},
        {"a/b/c:t", "docker.io/a/b/c:t", "a/b/c:t"},
        {"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
        {"docker.io", "docker.io/library/docker.io:latest", "docker.io:latest"},
        {"docker.io/library", "docker.io/library/library:latest", "library:latest"},
        {"localhost/a", "localhost/a:latest", "localhost/a:latest"},
        {"localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"},
        {"localhost:5000/a:t", "localhost:5000/a:t", "localhost:5000/a:t"},
        {"docker.io/localhost/a", "docker.io/localhost/a:latest", "docker.io/localhost/a:latest"},
        {"docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest"},
        {"FOO.com/bar", "FOO.com/bar:latest", "FOO.com/bar:latest"},
        {"A:5000/x", "A:5000/x:latest", "A:5000/x:latest"},
        {"1.2.3.4:80/a", "1.2.3.4:80/a:latest", "1.2.3.4:80/a:latest"},
        {"[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"},
        {"a__b/c-d/e---f/g.h/0", "docker.io/a__b/c-d/e---f/g.h/0:latest", "a__b/c-d/e---f/g.h/0:latest"},
        {"a:_x.y-Z", "docker.io/library/a:_x.y-Z", "a:_x.y-Z"},
        {"a" + digest_suffix, "docker.io/library/a" + digest_suffix, "a" + digest_suffix},
        {"q.io/a:t" + digest_suffix, "q.io/a:t" + digest_suffix, "q.io/a:t" + digest_suffix},
        {"a/" + hex_digits, "docker.io/a/" + hex_digits + ":latest", "a/" + hex_digits + ":latest"},
        {hex_digits + ":x", "docker.io/library/" + hex_digits + ":x", hex_digits + ":x"}}) {
    CAPTURE(typed);
    auto const reference = Reference::parse(typed);
    CHECK(reference.str() == expected);
    CHECK(reference.familiar() == familiar);
    CHECK(Reference::parse(expected) == reference);
    CHECK(Reference::parse(familiar) == reference);
  }
}

TEST_CASE("a reference has a domain, a path, and a tag or a digest", "[oci][reference]") {
  auto const tagged = Reference::parse("quay.io:443/team/tool:1.2");
  CHECK(tagged.domain() == "quay.io:443");
  CHECK(tagged.path() == "team/tool");
  CHECK(tagged.name() == "quay.io:443/team/tool");
  CHECK(tagged.tag() == "1.2");
  CHECK(tagged.digest() == std::nullopt);
  auto const pinned = Reference::parse("tool" + digest_suffix);
  CHECK(pinned.tag().empty());
  CHECK(pinned.digest() == Digest::parse("sha256:" + hex_digits));
  CHECK(tagged.with_digest(*pinned.digest()).str() == "quay.io:443/team/tool" + digest_suffix);
  CHECK(pinned.with_tag("v1").str() == "docker.io/library/tool:v1");
  CHECK_THROWS_AS(pinned.with_tag("-v1"), Error);
  CHECK(std::unordered_set<Reference>{tagged, pinned, tagged}.size() == 2);
}

TEST_CASE("what is no reference is refused, and the error says why", "[oci][reference]") {
  for (std::string const text : {"",
                                 "Foo",
                                 "foo/Bar",
                                 "Foo/bar",
                                 "foo.com/Bar",
                                 "localhosT/x",
                                 "a___b",
                                 "a..b",
                                 "a-_b",
                                 "a._b",
                                 "-a",
                                 "a-",
                                 "_a",
                                 "a_",
                                 ".a",
                                 "a.",
                                 "a//b",
                                 "/a",
                                 "a/",
                                 "a:",
                                 "a:-x",
                                 "a:.x",
                                 "a:x:y",
                                 "a:x/y",
                                 "[]/a",
                                 "[::1/a",
                                 "a.b:c/d",
                                 "a.b:/d",
                                 "a..b/c",
                                 "-a.b/c",
                                 "a-.b/c",
                                 "a_b.c/d",
                                 "a.b/c/",
                                 "a.b./c",
                                 ".a/b",
                                 "a b",
                                 "a\tb",
                                 "a\nb",
                                 "\u00e4",
                                 "a:\u00e4",
                                 "docker.io/",
                                 "a:80:80/b",
                                 "http://a/b",
                                 "a\\b",
                                 "a?b",
                                 "a#b",
                                 "a+b",
                                 "..",
                                 "../a",
                                 "a/../b",
                                 "./a",
                                 "[fe80::1%eth0]/a",
                                 "[::1]x/a",
                                 "[::1]:/a",
                                 "a@",
                                 "@",
                                 "a@@",
                                 "a/b@sha256:"}) {
    CAPTURE(text);
    CHECK(refused(text));
  }
  CHECK(refused(hex_digits));
  CHECK_FALSE(refused(hex_digits + "a"));
  CHECK_FALSE(refused(hex_digits.substr(1)));
  CHECK(refused("a" + digest_suffix + ":t"));
  CHECK(refused("a" + digest_suffix.substr(0, 71)));
  CHECK(refused("a:" + digest_suffix));
  CHECK(refused(digest_suffix));
  CHECK(refused("a@sha256:" + std::string(64, 'A')));
  CHECK(refused("a@md5:" + hex_digits));
  CHECK_FALSE(refused("a@sha512:" + hex_digits + hex_digits));
  CHECK(refused(std::string("a\0b", 3)));
  try {
    Reference::parse("foo/Bar");
    FAIL();
  } catch (Error const& error) {
    CHECK(error.code() == std::errc::invalid_argument);
    CHECK(std::string(error.what()) ==
          "\"foo/Bar\": upper case in the name of a repository: invalid reference format");
  }
}

TEST_CASE("a name has at most 255 bytes and a tag 128", "[oci][reference]") {
  CHECK_FALSE(refused("q.io/" + std::string(250, 'y')));
  CHECK(refused("q.io/" + std::string(251, 'y')));
  CHECK_FALSE(refused(std::string(237, 'x')));  // docker.io/library/ goes before it
  CHECK(refused(std::string(238, 'x')));
  CHECK_FALSE(refused("a:" + std::string(128, 'x')));
  CHECK(refused("a:" + std::string(129, 'x')));
  CHECK(full_name("docker.io/" + std::string(237, 'y')).size() == 262);
}

TEST_CASE("a name without a registry is one of this machine where Podman takes it for that",
          "[oci][reference]") {
  CHECK(Reference::parse_local("tool").str() == "localhost/tool:latest");
  CHECK(Reference::parse_local("me/tool:1").str() == "localhost/me/tool:1");
  CHECK(Reference::parse_local("localhost/tool").str() == "localhost/tool:latest");
  CHECK(Reference::parse_local("docker.io/tool").str() == "docker.io/library/tool:latest");
  CHECK(Reference::parse_local("quay.io:1/a").str() == "quay.io:1/a:latest");
  for (std::string const text : {"", "Tool", "a:b:c"}) CHECK_THROWS_AS(Reference::parse_local(text), Error);
  CHECK_THROWS_AS(Reference::parse_local(hex_digits), Error);
}

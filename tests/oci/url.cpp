#include <strata/oci/url.hpp>

#include <catch2/catch.hpp>

#include <string>

using strata::oci::HostPlace;
using strata::oci::percent_encoded;
using strata::oci::place_of_host;
using strata::oci::Url;

namespace url_tests {  // several files of tests are compiled as one

namespace {

/// None: "-".
std::string parsed(std::string_view text) {
  auto const url = Url::parse(text);
  return url ? url->str() : "-";
}

std::string resolved(std::string_view text) {
  auto const url = Url::parse("https://host:5000/v2/a/tags/list?n=2")->resolve(text);
  return url ? url->str() : "-";
}

}  // namespace

TEST_CASE("URLs of HTTP are read, others are refused", "[oci][url]") {
  CHECK(parsed("https://Quay.IO/v2/") == "https://quay.io/v2/");
  CHECK(parsed("HTTPS://quay.io:443") == "https://quay.io/");
  CHECK(parsed("http://quay.io:80?a=b") == "http://quay.io/?a=b");
  CHECK(parsed("http://quay.io:0443/x#fragment") == "http://quay.io:443/x");
  CHECK(parsed("http://[::1]:5000/x") == "http://[::1]:5000/x");
  for (auto const* const text : {"",
                                 "quay.io",
                                 "/v2/",
                                 "ftp://quay.io/",
                                 "file:///etc/passwd",
                                 "https:/quay.io",
                                 "https://",
                                 "https:///x",
                                 "https://:5000/",
                                 "https://user@quay.io/",
                                 "https://user:password@quay.io/",
                                 "https://quay.io:x/",
                                 "https://quay.io:0/",
                                 "https://quay.io:65536/",
                                 "https://quay.io: 5/",
                                 "https://qu ay.io/",
                                 "https://quay.io/a b",
                                 "https://quay.io/\r\nX: y",
                                 "https://quay.io/\xff",
                                 "https://quay.io\\@evil.example/",
                                 "https://[::1/",
                                 "https://[]/",
                                 "https://[::1]x/",
                                 "https://quay.io#x",
                                 "javascript://quay.io/"}) {
    INFO(text);
    CHECK(parsed(text) == (std::string_view(text) == "https://quay.io#x" ? "https://quay.io/" : "-"));
  }
}

TEST_CASE("URLs are resolved against the one that they were found at", "[oci][url]") {
  CHECK(resolved("http://other/x") == "http://other/x");
  CHECK(resolved("//other/x") == "https://other/x");
  CHECK(resolved("/v2/b?x=/:y") == "https://host:5000/v2/b?x=/:y");
  CHECK(resolved("list?n=3") == "https://host:5000/v2/a/tags/list?n=3");
  CHECK(resolved("?n=4#x") == "https://host:5000/v2/a/tags/list?n=4");
  CHECK(resolved("") == "https://host:5000/v2/a/tags/list?n=2");
  CHECK(resolved("file:///etc/passwd") == "-");
  CHECK(resolved("mailto:x") == "-");
  CHECK(resolved("/a b") == "-");
  CHECK(resolved("//user@other/x") == "-");
}

TEST_CASE("an origin has a scheme, a host and a port", "[oci][url]") {
  auto const same = [](char const* left, char const* right) {
    return Url::parse(left)->same_origin(*Url::parse(right));
  };
  CHECK(same("https://a/x", "https://A:443/y?z"));
  CHECK(!same("https://a/", "http://a/"));
  CHECK(!same("https://a/", "https://a:444/"));
  CHECK(!same("https://a/", "https://b.a/"));
}

TEST_CASE("hosts that are not on the network are told in each form", "[oci][url]") {
  for (auto const* const host :
       {"localhost", "LocalHost", "localhost.", "x.localhost", "127.0.0.1", "127.9.9.9", "127.1",
        "2130706433", "0x7f.1", "017700000001", "0.0.0.0", "0", "[::1]", "::1", "[::]", "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]", "[::127.0.0.1]"}) {
    INFO(host);
    CHECK(place_of_host(host) == HostPlace::loopback);
  }
  for (auto const* const host :
       {"169.254.169.254", "[fe80::1]", "fe80::1%eth0", "[febf::1]", "[::ffff:169.254.1.1]", "0xa9fea9fe"}) {
    INFO(host);
    CHECK(place_of_host(host) == HostPlace::link_local);
  }
  for (auto const* const host : {"quay.io", "localhost.example", "mylocalhost", "10.0.0.1", "192.168.1.1",
                                 "128.0.0.1", "[2001:db8::1]", "[fec0::1]", "169.253.0.1", ""}) {
    INFO(host);
    CHECK(place_of_host(host) == HostPlace::anywhere);
  }
}

TEST_CASE("texts are encoded for queries", "[oci][url]") {
  CHECK(percent_encoded("sha256:aZ09-._~") == "sha256%3AaZ09-._~");
  CHECK(percent_encoded("a b/\xff&=") == "a%20b%2F%FF%26%3D");
}

}  // namespace url_tests

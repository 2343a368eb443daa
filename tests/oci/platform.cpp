#include <strata/oci/platform.hpp>

#include <catch2/catch.hpp>

#include "documents.hpp"
#include <optional>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::oci;

namespace {

using Rank = std::optional<std::size_t>;

Rank rank(char const* wanted, char const* offered) {
  return suitability(Platform::parse(wanted), Platform::parse(offered));
}

}  // namespace

TEST_CASE("a platform is parsed, with other programs' names of architectures", "[oci][platform]") {
  for (auto const* text : {"linux/amd64", "linux/arm64/v8", "windows/arm/v7", "linux/riscv64"})
    CHECK(Platform::parse(text).str() == text);
  CHECK(Platform::parse("linux/x86_64").str() == "linux/amd64");
  CHECK(Platform::parse("linux/aarch64").str() == "linux/arm64");
  CHECK(Platform::parse("linux/armv7l").str() == "linux/arm/v7");
  CHECK(Platform::parse("linux/armhf/v6").str() == "linux/arm/v6");
  CHECK(Platform::parse("linux/i686").str() == "linux/386");
  for (auto const* text : {"", "linux", "/", "linux/", "/amd64", "linux//v8", "a/b/c/d", "linux/amd64/",
                           "linux/am d64", "linux/amd64\n", "linux/\u00e4"}) {
    CAPTURE(text);
    CHECK(documents::refusal([&] { Platform::parse(text); }).code == std::errc::invalid_argument);
  }
}

TEST_CASE("this host has a platform", "[oci][platform]") {
  auto const host = host_platform();
  CHECK(host.os == "linux");
  CHECK_FALSE(host.architecture.empty());
  CHECK(Platform::parse(host.str()) == host);
  CHECK(matches(host, host));
}

TEST_CASE("an image suits a platform by system, architecture and variant", "[oci][platform]") {
  CHECK(rank("linux/amd64", "linux/amd64") == 0);
  CHECK(rank("linux/amd64", "windows/amd64") == std::nullopt);
  CHECK(rank("linux/amd64", "linux/arm64") == std::nullopt);
  CHECK(rank("linux/amd64", "linux/amd64/v3") == std::nullopt);
  CHECK(rank("linux/amd64/v3", "linux/amd64/v3") == 0);
  CHECK(rank("linux/amd64/v3", "linux/amd64") == 1);
  CHECK(rank("linux/amd64/v3", "linux/amd64/v2") == std::nullopt);
}

TEST_CASE("of ARM's variants the best that the processor runs is chosen", "[oci][platform]") {
  CHECK(rank("linux/arm/v7", "linux/arm/v8") == std::nullopt);
  CHECK(rank("linux/arm/v7", "linux/arm/v7") == 0);
  CHECK(rank("linux/arm/v7", "linux/arm/v6") == 1);
  CHECK(rank("linux/arm/v7", "linux/arm/v5") == 2);
  CHECK(rank("linux/arm/v7", "linux/arm") == 3);
  CHECK(rank("linux/arm/v8", "linux/arm/v5") == 3);
  CHECK(rank("linux/arm", "linux/arm") == 0);
  CHECK(rank("linux/arm", "linux/arm/v7") == std::nullopt);
  CHECK(rank("linux/arm64", "linux/arm64") == 0);
  CHECK(rank("linux/arm64", "linux/arm64/v8") == 1);
  CHECK(rank("linux/arm64/v8", "linux/arm64/v8") == 0);
  CHECK(rank("linux/arm64/v8", "linux/arm64") == 1);
  CHECK(rank("linux/arm64/v8", "linux/arm64/v9") == std::nullopt);
}

TEST_CASE("a version and features of the system count if they are wanted", "[oci][platform]") {
  Platform const offered{
      .os = "windows", .architecture = "amd64", .os_version = "10.0.1", .os_features = {"win32k", "x"}};
  Platform wanted{.os = "windows", .architecture = "amd64"};
  CHECK(matches(wanted, offered));
  wanted.os_version = "10.0.1";
  wanted.os_features = {"win32k"};
  CHECK(matches(wanted, offered));
  wanted.os_version = "10.0.2";
  CHECK_FALSE(matches(wanted, offered));
  wanted.os_version.clear();
  wanted.os_features = {"win32k", "y"};
  CHECK_FALSE(matches(wanted, offered));
}

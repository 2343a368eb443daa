#include <strata/oci/manifest.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata;
using namespace strata::oci;

TEST_CASE("a manifest of umoci's is read, and its bytes are kept", "[oci][manifest]") {
  std::string const bytes =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":)"
      R"({"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:)" +
      std::string(64, 'a') +
      R"(","size":7},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:)" +
      std::string(64, 'b') + R"(","size":8,"annotations":{"k":"v"},"own":[1]}],"annotations":{"a":"<b>"}})";
  auto const manifest = Manifest::parse(bytes);
  CHECK(manifest.bytes() == bytes);
  CHECK(manifest.is_image());
  REQUIRE(manifest.layers().size() == 1);
  CHECK(manifest.layers()[0].size == 8);
  CHECK(manifest.layers()[0].annotations.at("k") == "v");
  CHECK(manifest.annotations().at("a") == "<b>");
  auto const again = Manifest::make(manifest.parts());
  CHECK(again.layers() == manifest.layers());
  CHECK(again.bytes().ends_with(R"("annotations":{"a":"\u003cb\u003e"}})"));
}

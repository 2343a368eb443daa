#include <strata/oci/manifest_type.hpp>
#include <strata/oci/media_type.hpp>

#include <catch2/catch.hpp>

#include "documents.hpp"
#include <string>
#include <string_view>

using namespace strata;
using namespace strata::oci;

namespace {

std::string quoted(std::string_view type) { return "\"" + std::string(type) + "\""; }

std::string of_members(std::string const& members) { return R"({"schemaVersion":2,)" + members + "}"; }

std::string const oci_config_member = R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json"})";
std::string const docker_config_member =
    R"("config":{"mediaType":"application/vnd.docker.container.image.v1+json"})";
std::string const other_config_member =
    R"("config":{"mediaType":"application/vnd.cncf.helm.config.v1+json"})";

documents::Refusal type_refusal(std::string const& bytes, std::string_view stated = {}) {
  return documents::refusal([&] { manifest_type(bytes, stated); });
}

}  // namespace

TEST_CASE("a manifest's own media type decides", "[oci][manifest_type]") {
  for (auto const type : {media_type::oci_manifest, media_type::docker_manifest})
    CHECK(manifest_type(of_members("\"mediaType\":" + quoted(type) + "," + oci_config_member)) == type);
  for (auto const type : {media_type::oci_index, media_type::docker_index}) {
    auto const bytes = of_members("\"mediaType\":" + quoted(type) + ",\"manifests\":[]");
    CHECK(manifest_type(bytes) == type);
    CHECK(manifest_type(bytes, type) == type);
    CHECK(manifest_type(bytes, "application/json") == type);
    CHECK(manifest_type(bytes, media_type::oci_index) == type);
    CHECK(type_refusal(bytes, media_type::oci_manifest).code == Errc::corrupt_document);
  }
}

TEST_CASE("without its own, what the source states decides, else the members", "[oci][manifest_type]") {
  CHECK(manifest_type(of_members(oci_config_member)) == media_type::oci_manifest);
  CHECK(manifest_type(of_members(other_config_member)) == media_type::oci_manifest);
  CHECK(manifest_type(of_members(docker_config_member)) == media_type::docker_manifest);
  CHECK(manifest_type(of_members("\"manifests\":[]")) == media_type::oci_index);
  CHECK(manifest_type(of_members(oci_config_member), media_type::docker_manifest) ==
        media_type::docker_manifest);
  CHECK(manifest_type(of_members("\"manifests\":[]"), media_type::docker_index) == media_type::docker_index);
  CHECK(manifest_type(of_members(oci_config_member), "text/plain; charset=utf-8") ==
        media_type::oci_manifest);
  CHECK(type_refusal(of_members(oci_config_member), media_type::oci_index).code == Errc::corrupt_document);
  CHECK(type_refusal(of_members("\"manifests\":[]"), media_type::oci_manifest).code ==
        Errc::corrupt_document);
  CHECK(type_refusal(of_members("\"a\":1")).code == Errc::corrupt_document);
}

TEST_CASE("a document that is both a manifest and an index is refused", "[oci][manifest_type]") {
  for (auto const& members :
       {oci_config_member + ",\"manifests\":[]", std::string("\"layers\":[],\"manifests\":[]"),
        oci_config_member + ",\"fsLayers\":[]", oci_config_member + ",\"history\":[]",
        std::string("\"manifests\":[],\"history\":[]")})
    for (auto const type : {std::string_view(), media_type::oci_manifest, media_type::oci_index,
                            media_type::docker_manifest, media_type::docker_index}) {
      CAPTURE(members, type);
      auto const own = type.empty() ? std::string() : "\"mediaType\":" + quoted(type) + ",";
      CHECK(type_refusal(of_members(own + members)).code == Errc::corrupt_document);
      CHECK(type_refusal(of_members(members), type).code == Errc::corrupt_document);
    }
}

TEST_CASE("so is one that is both for a parser that does not mind case", "[oci][manifest_type]") {
  for (auto const* members :
       {"\"Manifests\":[]", "\"fslayers\":[]", "\"manifest\u017f\":[]", "\"MEDIATYPE\":\"\""})
    CHECK(type_refusal(of_members(oci_config_member + "," + members)).code == Errc::corrupt_document);
  for (auto const* members : {"\"Config\":{}", "\"LAYERS\":[]"})
    CHECK(type_refusal(of_members("\"manifests\":[]," + std::string(members))).code ==
          Errc::corrupt_document);
}

TEST_CASE("Docker's schema 1 and other versions are refused", "[oci][manifest_type]") {
  auto const schema1 = documents::golden("skopeo-schema1.manifest.json");
  auto const outcome = type_refusal(schema1);
  CHECK(outcome.code == Errc::unsupported);
  CHECK(outcome.text.ends_with("Docker's schema 1"));
  CHECK(type_refusal(schema1, media_type::docker_schema1_signed).code == Errc::unsupported);
  CHECK(type_refusal(R"({"schemaVersion":1})").code == Errc::unsupported);
  CHECK(type_refusal(R"({"schemaVersion":2,"mediaType":)" + quoted(media_type::docker_schema1) + "}").code ==
        Errc::unsupported);
  for (auto const* version : {"3", "0", "-1", "\"2\"", "2.0", "null", "[]", "18446744073709551618"}) {
    CAPTURE(version);
    CHECK(type_refusal(R"({"schemaVersion":)" + std::string(version) + "," + oci_config_member + "}").code ==
          Errc::corrupt_document);
  }
  CHECK(type_refusal("{" + oci_config_member + "}").code == Errc::corrupt_document);
}

TEST_CASE("a document of another kind is refused by its media type", "[oci][manifest_type]") {
  auto const outcome =
      type_refusal(of_members(R"("mediaType":"application/vnd.oci.artifact.manifest.v1+json","blobs":[])"));
  CHECK(outcome.code == Errc::not_an_image);
  CHECK(outcome.text.ends_with("\"application/vnd.oci.artifact.manifest.v1+json\""));
  CHECK(outcome.text.starts_with("manifest sha256:"));
  CHECK(type_refusal("<html>").code == Errc::corrupt_document);
  CHECK(type_refusal("[]").code == Errc::corrupt_document);
  CHECK(type_refusal("").code == Errc::corrupt_document);
  CHECK(type_refusal(of_members("\"mediaType\":7")).code == Errc::corrupt_document);
  CHECK(type_refusal(of_members("\"config\":7")).code == Errc::corrupt_document);
  CHECK(type_refusal(std::string(200'000'000, ' ')).code == Errc::over_budget);
}

#include <strata/oci/image_config.hpp>
#include <strata/oci/manifest.hpp>

#include <catch2/catch.hpp>

#include "documents.hpp"
#include <string>

using namespace strata;
using namespace strata::oci;
using documents::golden;
using documents::refusal;

namespace {

documents::Refusal manifest_refusal(std::string const& bytes, DocumentLimits const& limits = {}) {
  return refusal([&] { Manifest::parse(bytes, {}, limits); });
}

Descriptor layer_of(char digit, std::uint64_t size) {
  return {.media_type = std::string(media_type::oci_layer_gzip),
          .digest = Digest::parse(documents::digest(digit)),
          .size = size};
}

ManifestParts two_layers() {
  ManifestParts parts{.config = {.media_type = std::string(media_type::oci_config),
                                 .digest = Digest::parse(documents::digest('c')),
                                 .size = 7}};
  parts.layers = {layer_of('0', 10), layer_of('1', 20)};
  return parts;
}

}  // namespace

TEST_CASE("manifests of buildah, podman, skopeo and umoci are read and written to the byte",
          "[oci][manifest]") {
  struct Case {
    std::string name;
    Format format;
    std::size_t layers;
  };
  for (auto const& [name, format, layers] :
       {Case{"buildah-oci", Format::oci, 1}, Case{"buildah-docker", Format::docker, 1},
        Case{"buildah-arm", Format::oci, 2}, Case{"podman-oci", Format::oci, 2},
        Case{"podman-docker", Format::docker, 2}, Case{"skopeo-zstd", Format::oci, 1},
        Case{"umoci", Format::oci, 1}}) {
    CAPTURE(name);
    auto const bytes = golden(name + ".manifest.json");
    auto const manifest = Manifest::parse(bytes);
    CHECK(manifest.bytes() == bytes);
    CHECK(manifest.format() == format);
    CHECK(manifest.is_image());
    CHECK(manifest.layers().size() == layers);
    for (auto const& layer : manifest.layers()) CHECK(is_layer(layer.media_type));
    auto const config = ImageConfig::parse(golden(name + ".config.json"));
    CHECK(config.digest() == manifest.config().digest);
    CHECK(config.bytes().size() == manifest.config().size);
    CHECK(config.descriptor(format) == manifest.config());
    CHECK(config.diff_ids().size() == layers);
    std::string const end = name == "umoci" ? "\n" : "";
    CHECK(Manifest::make(manifest.parts(), format).bytes() + end == bytes);
    CHECK(Manifest::parse(bytes, manifest_media_type(format)).digest() == manifest.digest());
  }
  CHECK(Manifest::parse(golden("buildah-oci.manifest.json")).annotations().at("x") == "y");
  CHECK(layer_compression(Manifest::parse(golden("skopeo-zstd.manifest.json")).layers().front().media_type) ==
        Compression::zstd);
}

TEST_CASE("a manifest that Docker laid out keeps its bytes and digest", "[oci][manifest]") {
  std::string const bytes =
      "{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"" + std::string(media_type::docker_manifest) +
      "\",\n   \"config\": {\n      \"mediaType\": \"" + std::string(media_type::docker_config) +
      "\",\n      \"size\": 1457,\n" + "      \"digest\": \"" + documents::digest('a') +
      "\"\n   },\n   \"layers\": [\n      {\n         \"mediaType\": \"" +
      std::string(media_type::docker_foreign_layer_gzip) +
      "\",\n         \"size\": 2,\n         \"digest\": \"" + documents::digest('b') +
      "\",\n         \"urls\": [\"https://a/b\"]\n      }\n   ]\n}";
  auto const manifest = Manifest::parse(bytes);
  CHECK(manifest.digest() == Digest::of(as_bytes(bytes)));
  CHECK(manifest.descriptor().digest == manifest.digest());
  CHECK(manifest.descriptor().size == bytes.size());
  CHECK(manifest.descriptor().media_type == media_type::docker_manifest);
  CHECK(is_nondistributable(manifest.layers().at(0).media_type));
  CHECK(manifest.layers().at(0).urls == std::vector<std::string>{"https://a/b"});
}

TEST_CASE("a manifest is laid out in the order of the specification, the same each time", "[oci][manifest]") {
  auto parts = two_layers();
  parts.annotations = {{"z", "<1>"}, {"a", "2"}};
  parts.artifact_type = "text/x";
  parts.subject = layer_of('5', 50);
  parts.unknown = {{"own", {1, 2}}};
  auto const manifest = Manifest::make(parts);
  auto const layer = [](char digit, std::string const& size) {
    return R"({"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":")" +
           documents::digest(digit) + R"(","size":)" + size + "}";
  };
  CHECK(
      manifest.bytes() ==
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","artifactType":"text/x",)"
      R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
          documents::digest('c') + R"(","size":7},"layers":[)" + layer('0', "10") + "," + layer('1', "20") +
          R"(],"subject":)" + layer('5', "50") +
          R"(,"annotations":{"a":"2","z":"\u003c1\u003e"},"own":[1,2]})");
  CHECK(Manifest::make(manifest.parts()).bytes() == manifest.bytes());
  CHECK(manifest.subject() == parts.subject);
  CHECK(manifest.artifact_type() == "text/x");
  CHECK(Manifest::make(two_layers()).parts().states_type);
  auto without_type = two_layers();
  without_type.states_type = false;
  CHECK(Manifest::make(without_type).bytes().starts_with(R"({"schemaVersion":2,"config":)"));
  CHECK(refusal([&] { Manifest::make(parts, Format::docker); }).code == Errc::unsupported);
}

TEST_CASE("an artifact is told apart from an image", "[oci][manifest]") {
  auto parts = two_layers();
  CHECK_NOTHROW(Manifest::make(parts).require_image());
  parts.config.media_type = "application/vnd.cncf.helm.config.v1+json";
  auto const chart = Manifest::make(parts);
  CHECK_FALSE(chart.is_image());
  auto const outcome = refusal([&] { chart.require_image(); });
  CHECK(outcome.code == Errc::not_an_image);
  CHECK(outcome.text ==
        "manifest " + chart.digest().str() + ": \"application/vnd.cncf.helm.config.v1+json\"");
  parts.config.media_type = media_type::oci_empty;
  parts.artifact_type = "application/x-signature";
  auto const signature = refusal([&] { Manifest::make(parts).require_image(); });
  CHECK(signature.text.ends_with("\"application/x-signature\""));
}

TEST_CASE("a manifest with members missing or of wrong types is refused", "[oci][manifest]") {
  auto parts = two_layers();
  parts.annotations = {{"a", "b"}};
  parts.subject = layer_of('5', 50);
  parts.artifact_type = "x";
  auto const bytes = Manifest::make(parts).bytes();
  auto const parse = [](std::string const& text) { Manifest::parse(text); };
  for (auto const* path :
       {"schemaVersion", "mediaType", "config", "config/mediaType", "config/digest", "config/size", "layers",
        "layers/0", "layers/1/mediaType", "layers/1/digest", "layers/1/size", "layers/1/urls",
        "layers/1/annotations", "annotations", "annotations/a", "subject", "subject/size", "artifactType"}) {
    auto const full = documents::with(
        documents::with(bytes, "layers/1/urls", boost::json::array(1, boost::json::value("u"))),
        "layers/1/annotations", boost::json::object{{"k", "v"}});
    if (std::string_view(path) != "schemaVersion" && std::string_view(path) != "mediaType")
      documents::refuses_other_types(full, path, parse);
  }
  CHECK(manifest_refusal(documents::without(bytes, "config")).code == Errc::corrupt_document);
  CHECK(manifest_refusal(documents::without(bytes, "layers/1/digest"))
            .text.ends_with("layers[1].digest: missing"));
  CHECK(Manifest::parse(documents::without(bytes, "layers")).layers().empty());
  CHECK(manifest_refusal(documents::with(bytes, "Layers", boost::json::array())).code ==
        Errc::corrupt_document);
  CHECK(manifest_refusal(documents::with(bytes, "layers/0/Digest", "x")).code == Errc::corrupt_document);
  CHECK(manifest_refusal(bytes.substr(0, bytes.size() - 1)).code == Errc::corrupt_document);
  CHECK(manifest_refusal(golden("buildah.index.json")).code == Errc::corrupt_document);
}

TEST_CASE("layers are counted, and a manifest of 200 MB is refused", "[oci][manifest]") {
  auto parts = two_layers();
  parts.layers.assign(10'000, layer_of('7', 1));
  auto const outcome = refusal([&] { Manifest::make(parts); });
  CHECK(outcome.code == Errc::over_budget);
  CHECK(outcome.text.ends_with(": layers: 10000 of them, more than 4096"));
  parts.layers.assign(4096, layer_of('7', 1));
  auto const manifest = Manifest::make(parts);
  CHECK(manifest.layers().size() == 4096);
  CHECK(manifest_refusal(manifest.bytes(), {.layers = 4095}).code == Errc::over_budget);
  CHECK(manifest_refusal(std::string(200'000'000, ' ')).code == Errc::over_budget);
}

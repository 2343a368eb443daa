#include <strata/oci/media_type.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace strata;
using namespace strata::oci;

TEST_CASE("media types of documents are told apart", "[oci][media_type]") {
  for (auto const format : {Format::oci, Format::docker}) {
    CHECK(is_manifest(manifest_media_type(format)));
    CHECK_FALSE(is_index(manifest_media_type(format)));
    CHECK(is_index(index_media_type(format)));
    CHECK_FALSE(is_manifest(index_media_type(format)));
    CHECK(is_config(config_media_type(format)));
    CHECK_FALSE(is_manifest(config_media_type(format)));
  }
  CHECK(is_schema1("application/vnd.docker.distribution.manifest.v1+json"));
  CHECK(is_schema1("application/vnd.docker.distribution.manifest.v1+prettyjws"));
  CHECK_FALSE(is_schema1(media_type::docker_manifest));
  for (auto const* other :
       {"", "application/json", "application/vnd.oci.empty.v1+json",
        "application/vnd.oci.image.manifest.v1+JSON", "application/vnd.cncf.helm.config.v1+json"}) {
    CHECK_FALSE((is_manifest(other) || is_index(other) || is_config(other) || is_layer(other) ||
                 is_schema1(other) || is_nondistributable(other)));
    CHECK(layer_compression(other) == std::nullopt);
  }
}

TEST_CASE("a layer's media type says its compression and whether it may be distributed",
          "[oci][media_type]") {
  for (auto const format : {Format::oci, Format::docker}) {
    for (auto const compression : {Compression::none, Compression::gzip, Compression::zstd}) {
      auto const type = layer_media_type(format, compression);
      REQUIRE(type);
      CHECK(is_layer(*type));
      CHECK_FALSE(is_nondistributable(*type));
      CHECK(layer_compression(*type) == compression);
    }
    CHECK(layer_media_type(format, Compression::xz) == std::nullopt);
    CHECK(layer_media_type(format, Compression::bzip2) == std::nullopt);
  }
  CHECK(layer_media_type(Format::docker, Compression::gzip) ==
        "application/vnd.docker.image.rootfs.diff.tar.gzip");
  for (auto const& [type, compression] :
       {std::pair{"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::none},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::gzip},
        {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::zstd},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar", Compression::none},
        {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::gzip}}) {
    CHECK(is_layer(type));
    CHECK(is_nondistributable(type));
    CHECK(layer_compression(type) == compression);
  }
}

#pragma once

#include <strata/codec/codec.hpp>
#include <strata/separate.hpp>

#include <optional>
#include <string_view>

namespace strata::oci {

/// Media types of the OCI image specification 1.1 ("OCI Image Media Types") and of Docker's schema 2 (distribution,
/// "Image Manifest Version 2, Schema 2").
namespace media_type {

inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view oci_layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view oci_layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
inline constexpr std::string_view oci_foreign_layer =
    "application/vnd.oci.image.layer.nondistributable.v1.tar";
inline constexpr std::string_view oci_foreign_layer_gzip =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
inline constexpr std::string_view oci_foreign_layer_zstd =
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
inline constexpr std::string_view oci_empty = "application/vnd.oci.empty.v1+json";

inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_index = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
inline constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view docker_layer_zstd = "application/vnd.docker.image.rootfs.diff.tar.zstd";
inline constexpr std::string_view docker_foreign_layer =
    "application/vnd.docker.image.rootfs.foreign.diff.tar";
inline constexpr std::string_view docker_foreign_layer_gzip =
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// Docker's schema 1, which is refused.
inline constexpr std::string_view docker_schema1 = "application/vnd.docker.distribution.manifest.v1+json";
inline constexpr std::string_view docker_schema1_signed =
    "application/vnd.docker.distribution.manifest.v1+prettyjws";

}  // namespace media_type

/// The two families of media types. Documents of one refer to those of the same one.
enum class Format { oci, docker };

bool is_manifest(std::string_view media_type) noexcept;  ///< of one image
bool is_index(std::string_view media_type) noexcept;  ///< of several, by platform: an index or manifest list
bool is_schema1(std::string_view media_type) noexcept;
bool is_config(std::string_view media_type) noexcept;  ///< of an image, not of another artifact
/// A layer of an image that can be unpacked, whether or not it may be distributed.
bool is_layer(std::string_view media_type) noexcept;
/// A layer that registries need not have: the descriptor's `urls` say where it is. Docker: "foreign".
bool is_nondistributable(std::string_view media_type) noexcept;

/// The compression that a layer's media type states; none if it is no layer's. Programs write layers of other
/// compressions under these types: decide by the first bytes of the layer (`codec::detect`).
std::optional<Compression> layer_compression(std::string_view media_type) noexcept;

/// The media type of a distributable layer; none if the format has none for the compression.
std::optional<std::string_view> layer_media_type(Format format, Compression compression) noexcept;

constexpr std::string_view manifest_media_type(Format format) noexcept {
  return format == Format::oci ? media_type::oci_manifest : media_type::docker_manifest;
}
constexpr std::string_view index_media_type(Format format) noexcept {
  return format == Format::oci ? media_type::oci_index : media_type::docker_index;
}
constexpr std::string_view config_media_type(Format format) noexcept {
  return format == Format::oci ? media_type::oci_config : media_type::docker_config;
}

namespace detail {

struct LayerType;

/// Null if it is no layer's.
LayerType const* find_layer_type(std::string_view media_type) noexcept;

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/media_type.ipp>
#endif

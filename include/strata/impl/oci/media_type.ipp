#pragma once

#include <strata/oci/media_type.hpp>

#include <algorithm>
#include <array>

namespace strata::oci {

namespace detail {

struct LayerType {
  std::string_view media_type;
  Compression compression;
  bool foreign;
};

inline constexpr std::array<LayerType, 11> layer_types{{
    {media_type::oci_layer, Compression::none, false},
    {media_type::oci_layer_gzip, Compression::gzip, false},
    {media_type::oci_layer_zstd, Compression::zstd, false},
    {media_type::oci_foreign_layer, Compression::none, true},
    {media_type::oci_foreign_layer_gzip, Compression::gzip, true},
    {media_type::oci_foreign_layer_zstd, Compression::zstd, true},
    {media_type::docker_layer, Compression::none, false},
    {media_type::docker_layer_gzip, Compression::gzip, false},
    {media_type::docker_layer_zstd, Compression::zstd, false},
    {media_type::docker_foreign_layer, Compression::none, true},
    {media_type::docker_foreign_layer_gzip, Compression::gzip, true},
}};

STRATA_INLINE LayerType const* find_layer_type(std::string_view media_type) noexcept {
  auto const* const found = std::ranges::find(layer_types, media_type, &LayerType::media_type);
  return found == layer_types.end() ? nullptr : found;
}

}  // namespace detail

STRATA_INLINE bool is_manifest(std::string_view type) noexcept {
  return type == media_type::oci_manifest || type == media_type::docker_manifest;
}

STRATA_INLINE bool is_index(std::string_view type) noexcept {
  return type == media_type::oci_index || type == media_type::docker_index;
}

STRATA_INLINE bool is_schema1(std::string_view type) noexcept {
  return type == media_type::docker_schema1 || type == media_type::docker_schema1_signed;
}

STRATA_INLINE bool is_config(std::string_view type) noexcept {
  return type == media_type::oci_config || type == media_type::docker_config;
}

STRATA_INLINE bool is_layer(std::string_view type) noexcept {
  return detail::find_layer_type(type) != nullptr;
}

STRATA_INLINE bool is_nondistributable(std::string_view type) noexcept {
  auto const* const found = detail::find_layer_type(type);
  return found != nullptr && found->foreign;
}

STRATA_INLINE std::optional<Compression> layer_compression(std::string_view type) noexcept {
  auto const* const found = detail::find_layer_type(type);
  return found == nullptr ? std::nullopt : std::optional(found->compression);
}

STRATA_INLINE std::optional<std::string_view> layer_media_type(Format format,
                                                               Compression compression) noexcept {
  bool const oci = format == Format::oci;
  switch (compression) {
    case Compression::none:
      return oci ? media_type::oci_layer : media_type::docker_layer;
    case Compression::gzip:
      return oci ? media_type::oci_layer_gzip : media_type::docker_layer_gzip;
    case Compression::zstd:
      return oci ? media_type::oci_layer_zstd : media_type::docker_layer_zstd;
    default:
      return std::nullopt;
  }
}

}  // namespace strata::oci

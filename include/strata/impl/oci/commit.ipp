#pragma once

#include <strata/oci/commit.hpp>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

namespace strata::oci::detail {

STRATA_INLINE Timestamp build_time() {
  auto const* const text = std::getenv("SOURCE_DATE_EPOCH");
  if (text == nullptr || *text == 0) return Timestamp::now();
  std::string_view const given(text);
  std::int64_t seconds = 0;
  auto const [end, error] = std::from_chars(given.data(), given.data() + given.size(), seconds);
  if (error != std::errc() || end != given.data() + given.size() || seconds < 0)
    throw Error(std::make_error_code(std::errc::invalid_argument), "SOURCE_DATE_EPOCH " + std::string(given));
  return {.seconds = seconds, .nanoseconds = 0};
}

STRATA_INLINE ImageConfig committed_config(std::optional<ImageConfig> const& base, Digest const& diff_id,
                                           CommitImageOptions const& options) {
  ImageConfigParts parts = base ? base->parts() : ImageConfigParts{.platform = host_platform()};
  auto const created = options.created ? *options.created : build_time();
  parts.created = created;
  if (!options.author.empty()) parts.author = options.author;
  if (options.change) options.change(parts.config);
  parts.diff_ids.push_back(diff_id);
  parts.history.push_back({.created = created,
                           .created_by = options.created_by,
                           .author = options.author,
                           .comment = options.comment});
  return base ? base->edited(parts) : ImageConfig::make(parts);
}

STRATA_INLINE Manifest manifest_of_plain_layers(ImageConfig const& config,
                                                std::vector<std::uint64_t> const& sizes, Format format) {
  ManifestParts parts{.config = config.descriptor(format)};
  auto const type = layer_media_type(format, Compression::none);
  for (std::size_t i = 0; i < sizes.size(); ++i)
    parts.layers.push_back(
        {.media_type = std::string(*type), .digest = config.diff_ids()[i], .size = sizes[i]});
  return Manifest::make(parts, format);
}

}  // namespace strata::oci::detail

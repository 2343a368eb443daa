#pragma once

#include <strata/oci/commit.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <system_error>
#include <vector>

namespace strata::oci::detail {

/// Members that Docker's format has and OCI's has not.
inline boost::json::object of_docker(boost::json::object const& unknown) {
  boost::json::object out;
  for (auto const* const name : {"Healthcheck", "OnBuild", "Shell"})
    if (auto const* const value = unknown.if_contains(name)) out.emplace(name, *value);
  return out;
}

/// What a step of history says of itself where nobody else does.
inline std::string shell_of(RunConfig const& config) {
  std::string out;
  if (auto const* const shell = config.unknown.if_contains("Shell"); shell != nullptr && shell->is_array())
    for (auto const& word : shell->get_array())
      if (word.is_string()) (out += out.empty() ? "" : " ") += word.get_string().c_str();
  return out.empty() ? "/bin/sh" : out;
}

STRATA_INLINE std::string image_name(std::string const& metadata, std::vector<std::string> const& names) {
  std::error_code not_json;
  auto const parsed = boost::json::parse(metadata, not_json);
  if (!not_json && parsed.is_object())
    if (auto const* const name = parsed.get_object().if_contains("image-name");
        name != nullptr && name->is_string())
      return name->get_string().c_str();
  return names.empty() ? std::string() : names.front();
}

STRATA_INLINE ImageConfig committed_config(std::optional<ImageConfig> const& base, std::string const& from,
                                           Digest const& diff_id, CommitImageOptions const& options) {
  ImageConfigParts parts = base ? base->parts() : ImageConfigParts{.platform = host_platform()};
  auto const created = options.created ? *options.created : build_time();
  parts.created = created;
  if (!options.author.empty()) parts.author = options.author;
  auto const shell = shell_of(parts.config);
  if (options.change) options.change(parts.config);
  std::ranges::sort(parts.config.exposed_ports);
  std::ranges::sort(parts.config.volumes);
  parts.unknown = {};
  auto const& of_run = parts.config.unknown;
  parts.config.unknown = options.format == Format::docker ? of_docker(of_run) : boost::json::object();
  if (options.format == Format::docker) {
    if (!options.message.empty()) parts.unknown.emplace("comment", options.message);
    if (base) parts.unknown.emplace("parent", base->digest().str());
  }
  parts.diff_ids.push_back(diff_id);
  auto const comment = options.comment.empty() && !from.empty() ? "FROM " + from : options.comment;
  parts.history.push_back({.created = created,
                           .created_by = options.created_by.empty() ? shell : options.created_by,
                           .author = options.author,
                           .comment = comment});
  return ImageConfig::make(parts);
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

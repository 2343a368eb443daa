#pragma once

#include <strata/oci/manifest.hpp>
#include <strata/oci/manifest_type.hpp>
#include <strata/oci/members.hpp>

#include <utility>

namespace strata::oci {

STRATA_INLINE Manifest::Manifest(std::string bytes, Digest digest, std::string media_type,
                                 ManifestParts parts)
    : bytes_(std::move(bytes)),
      digest_(std::move(digest)),
      media_type_(std::move(media_type)),
      parts_(std::move(parts)) {}

STRATA_INLINE Manifest Manifest::parse(std::string bytes, std::string_view stated,
                                       DocumentLimits const& limits) {
  detail::TypedDocument typed(bytes, stated, limits);
  if (is_index(typed.media_type))
    throw Error(Errc::corrupt_document, typed.where + ": an index, no manifest of one image");
  Members document(typed.document, typed.where);
  document.find("schemaVersion");
  auto const* const config = document.find("config");
  if (config == nullptr) throw Error(Errc::corrupt_document, document.where("config") + ": missing");
  ManifestParts parts{.config = read_descriptor(*config, document.where("config")),
                      .layers = read_descriptors(document, "layers", limits.layers),
                      .annotations = document.text_map("annotations")};
  if (auto const* const subject = document.find("subject"))
    parts.subject = read_descriptor(*subject, document.where("subject"));
  parts.artifact_type = document.text("artifactType");
  parts.states_type = document.find("mediaType") != nullptr;
  parts.unknown = document.unknown();
  return {std::move(bytes), std::move(typed.digest), std::move(typed.media_type), std::move(parts)};
}

STRATA_INLINE Manifest Manifest::make(ManifestParts const& parts, Format format) {
  if (format == Format::docker &&
      (!parts.annotations.empty() || parts.subject || !parts.artifact_type.empty()))
    throw Error(Errc::unsupported, "annotations, subject and artifact type in Docker's schema 2");
  boost::json::object out{{"schemaVersion", 2}};
  if (parts.states_type) out.emplace("mediaType", manifest_media_type(format));
  if (!parts.artifact_type.empty()) out.emplace("artifactType", parts.artifact_type);
  out.emplace("config", descriptor_json(parts.config, format));
  auto& layers = out.emplace("layers", boost::json::array()).first->value().get_array();
  for (auto const& layer : parts.layers) layers.emplace_back(descriptor_json(layer, format));
  if (parts.subject) out.emplace("subject", descriptor_json(*parts.subject, format));
  if (!parts.annotations.empty()) out.emplace("annotations", detail::text_map_json(parts.annotations));
  detail::put_all(out, parts.unknown);
  return parse(document_text(out), manifest_media_type(format));
}

STRATA_INLINE void Manifest::require_image() const {
  if (is_image()) return;
  auto const& type = parts_.artifact_type.empty() ? parts_.config.media_type : parts_.artifact_type;
  throw Error(Errc::not_an_image, "manifest " + digest_.str() + ": \"" + type + '"');
}

}  // namespace strata::oci

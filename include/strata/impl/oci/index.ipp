#pragma once

#include <strata/oci/index.hpp>
#include <strata/oci/manifest_type.hpp>
#include <strata/oci/members.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace strata::oci {

STRATA_INLINE Index::Index(std::string bytes, Digest digest, std::string media_type, IndexParts parts)
    : bytes_(std::move(bytes)),
      digest_(std::move(digest)),
      media_type_(std::move(media_type)),
      parts_(std::move(parts)) {}

STRATA_INLINE Index Index::parse(std::string bytes, std::string_view stated, DocumentLimits const& limits) {
  detail::TypedDocument typed(bytes, stated, limits);
  if (!is_index(typed.media_type))
    throw Error(Errc::corrupt_document, typed.where + ": the manifest of one image, no index");
  Members document(typed.document, typed.where);
  document.find("schemaVersion");
  IndexParts parts{.manifests = read_descriptors(document, "manifests", limits.values),
                   .annotations = document.text_map("annotations")};
  if (auto const* const subject = document.find("subject"))
    parts.subject = read_descriptor(*subject, document.where("subject"));
  parts.artifact_type = document.text("artifactType");
  parts.states_type = document.find("mediaType") != nullptr;
  parts.unknown = document.unknown();
  return {std::move(bytes), std::move(typed.digest), std::move(typed.media_type), std::move(parts)};
}

STRATA_INLINE Index Index::make(IndexParts const& parts, Format format, DocumentLimits const& limits) {
  if (format == Format::docker &&
      (!parts.annotations.empty() || parts.subject || !parts.artifact_type.empty()))
    throw Error(Errc::unsupported, "annotations, subject and artifact type in Docker's manifest list");
  boost::json::object out{{"schemaVersion", 2}};
  if (parts.states_type) out.emplace("mediaType", index_media_type(format));
  if (!parts.artifact_type.empty()) out.emplace("artifactType", parts.artifact_type);
  auto& manifests = out.emplace("manifests", boost::json::array()).first->value().get_array();
  for (auto const& manifest : parts.manifests) manifests.emplace_back(descriptor_json(manifest, format));
  if (parts.subject) out.emplace("subject", descriptor_json(*parts.subject, format));
  if (!parts.annotations.empty()) out.emplace("annotations", detail::text_map_json(parts.annotations));
  detail::put_all(out, parts.unknown);
  return parse(document_text(out), index_media_type(format), limits);
}

STRATA_INLINE std::vector<Descriptor> Index::candidates(Platform const& wanted) const {
  constexpr auto last = std::numeric_limits<std::size_t>::max();
  std::vector<std::pair<std::size_t, Descriptor const*>> found;
  for (auto const& manifest : parts_.manifests)
    if (!manifest.platform)
      found.emplace_back(last, &manifest);
    else if (auto const rank = suitability(wanted, *manifest.platform))
      found.emplace_back(*rank, &manifest);
  std::ranges::stable_sort(found, {}, &std::pair<std::size_t, Descriptor const*>::first);
  std::vector<Descriptor> out;
  for (auto const& [rank, manifest] : found) out.push_back(*manifest);
  return out;
}

STRATA_INLINE Descriptor Index::choose(Platform const& wanted) const {
  if (auto found = candidates(wanted); !found.empty()) return std::move(found.front());
  std::vector<std::string> offered;
  for (auto const& manifest : parts_.manifests)
    if (auto text = manifest.platform->str(); std::ranges::find(offered, text) == offered.end())
      offered.push_back(std::move(text));
  constexpr std::size_t most = 40;
  std::string text = offered.empty() ? " nothing" : "";
  for (std::size_t i = 0; i < std::min(offered.size(), most); ++i) text += (i == 0 ? " " : ", ") + offered[i];
  if (offered.size() > most) text += " and " + std::to_string(offered.size() - most) + " others";
  throw Error(Errc::platform_unknown,
              "index " + digest_.str() + ": wanted " + wanted.str() + ", there is" + text);
}

}  // namespace strata::oci

#pragma once

#include <strata/archive/base64.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/oci/descriptor.hpp>

#include <utility>

namespace strata::oci {

namespace detail {

STRATA_INLINE std::string read_embedded(std::string const& base64, Descriptor const& descriptor,
                                        std::string const& where) {
  std::string bytes(base64.size() / 4 * 3, '\0');
  auto const size = archive::base64_decode(base64, reinterpret_cast<std::byte*>(bytes.data()));
  if (!size) throw Error(Errc::corrupt_document, where + ".data: not base64");
  bytes.resize(*size);
  if (bytes.size() != descriptor.size)
    throw Error(Errc::corrupt_document, where + ".data: not of the size that is stated");
  if (descriptor.digest.algorithm() == "sha256" && Digest::of(as_bytes(bytes)) != descriptor.digest)
    throw Error(Errc::digest_mismatch, where + ".data");
  return bytes;
}

STRATA_INLINE std::string base64(std::string_view bytes) {
  std::string out(archive::base64_size(bytes.size()), '\0');
  archive::base64_encode(as_bytes(bytes), out.data());
  return out;
}

STRATA_INLINE Platform read_platform(Members& members) {
  return {.os = members.text("os"),
          .architecture = members.text("architecture"),
          .variant = members.text("variant"),
          .os_version = members.text("os.version"),
          .os_features = members.texts("os.features")};
}

STRATA_INLINE boost::json::array texts_json(std::vector<std::string> const& texts) {
  return boost::json::array(texts.begin(), texts.end());
}

STRATA_INLINE boost::json::object text_map_json(std::map<std::string, std::string> const& texts) {
  boost::json::object out;
  for (auto const& [key, text] : texts) out.emplace(key, text);
  return out;
}

STRATA_INLINE void put_all(boost::json::object& object, boost::json::object const& members) {
  for (auto const& [key, value] : members) object.emplace(key, value);
}

STRATA_INLINE boost::json::object platform_json(Platform const& platform) {
  boost::json::object out{{"architecture", platform.architecture}, {"os", platform.os}};
  if (!platform.os_version.empty()) out.emplace("os.version", platform.os_version);
  if (!platform.os_features.empty()) out.emplace("os.features", texts_json(platform.os_features));
  if (!platform.variant.empty()) out.emplace("variant", platform.variant);
  return out;
}

}  // namespace detail

STRATA_INLINE Descriptor read_descriptor(boost::json::value const& value, std::string where) {
  Members members(value, std::move(where));
  Descriptor out{.media_type = members.required_text("mediaType"),
                 .digest = members.digest("digest"),
                 .size = members.bytes("size"),
                 .urls = members.texts("urls"),
                 .annotations = members.text_map("annotations")};
  if (auto const data = members.text("data"); !data.empty())
    out.data = detail::read_embedded(data, out, members.where());
  if (auto platform = members.object("platform")) {
    out.platform = detail::read_platform(*platform);
    out.unknown_of_platform = platform->unknown();
  }
  out.artifact_type = members.text("artifactType");
  out.unknown = members.unknown();
  return out;
}

STRATA_INLINE std::vector<Descriptor> read_descriptors(Members& from, std::string_view name,
                                                       std::size_t limit) {
  std::vector<Descriptor> out;
  auto const* const list = from.array(name);
  if (list == nullptr) return out;
  if (list->size() > limit)
    throw Error(Errc::over_budget, from.where(name) + ": " + std::to_string(list->size()) +
                                       " of them, more than " + std::to_string(limit));
  out.reserve(list->size());
  for (auto const& value : *list) out.push_back(read_descriptor(value, from.where(name, out.size())));
  return out;
}

STRATA_INLINE boost::json::object descriptor_json(Descriptor const& descriptor, Format format) {
  boost::json::object out{{"mediaType", descriptor.media_type}};
  if (format == Format::docker) out.emplace("size", descriptor.size);
  out.emplace("digest", descriptor.digest.str());
  if (format == Format::oci) out.emplace("size", descriptor.size);
  if (!descriptor.urls.empty()) out.emplace("urls", detail::texts_json(descriptor.urls));
  if (!descriptor.annotations.empty())
    out.emplace("annotations", detail::text_map_json(descriptor.annotations));
  if (descriptor.data) out.emplace("data", detail::base64(*descriptor.data));
  if (descriptor.platform) {
    auto platform = detail::platform_json(*descriptor.platform);
    detail::put_all(platform, descriptor.unknown_of_platform);
    out.emplace("platform", std::move(platform));
  }
  if (!descriptor.artifact_type.empty()) out.emplace("artifactType", descriptor.artifact_type);
  detail::put_all(out, descriptor.unknown);
  return out;
}

}  // namespace strata::oci

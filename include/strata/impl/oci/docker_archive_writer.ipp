#pragma once

#include <strata/error.hpp>
#include <strata/oci/docker_archive_writer.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/manifest_type.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/reference.hpp>
#include <strata/oci/verified_source.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace strata::oci {
namespace detail {

inline constexpr unsigned docker_mode = 0444;  // as containers/image writes it

inline std::string layer_name(Digest const& digest) { return std::string(digest.hex()) + ".tar"; }
inline std::string config_name(Digest const& digest) { return std::string(digest.hex()) + ".json"; }

/// "name:tag" as containers/image writes it, complete.
inline std::string docker_tag(std::string_view reference) {
  auto const parsed = Reference::parse(reference);
  if (parsed.digest())
    throw Error(Errc::unsupported, "a digest as a tag of a docker-archive: " + parsed.str());
  return parsed.str();
}

inline boost::json::array array_of(std::vector<std::string> const& texts) {
  boost::json::array out;
  for (auto const& text : texts) out.emplace_back(text);
  return out;
}

/// An object with its members in order of their names, as Go writes a map.
template <class Value>
boost::json::object object_of(std::map<std::string, Value> const& members) {
  boost::json::object out;
  for (auto const& [name, value] : members) out.emplace(name, value);
  return out;
}

}  // namespace detail

STRATA_INLINE void DockerArchiveWriter::put_blob(Descriptor const& blob, Source in) {
  if (has_blob(blob)) return;
  if (is_config(blob.media_type)) {
    auto text = read_verified(std::move(in), blob, archive_.name(), DocumentLimits{}.bytes);
    archive_.file(detail::config_name(blob.digest), detail::docker_mode, text);
    configs_.emplace(blob.digest, std::move(text));
  } else {
    archive_.file(detail::layer_name(blob.digest), detail::docker_mode, blob.size,
                  VerifiedSource(std::move(in), blob, archive_.name()));
  }
  blobs_.insert(blob.digest);
}

STRATA_INLINE auto DockerArchiveWriter::image_of(Manifest const& manifest) -> Image& {
  auto const config_name = detail::config_name(manifest.config().digest);
  auto const is_there = [&](Image const& image) { return image.config == config_name; };
  auto const found = std::ranges::find_if(images_, is_there);
  if (found != images_.end()) return *found;
  auto const text = configs_.find(manifest.config().digest);
  auto const missing = [&](Digest const& digest) {
    return Error(std::error_code(ENOENT, std::system_category()),
                 "blob " + digest.str() + " of " + archive_.name());
  };
  if (text == configs_.end()) throw missing(manifest.config().digest);
  auto const config = ImageConfig::parse(text->second);
  if (!std::ranges::equal(manifest.layers(), config.diff_ids(), {}, &Descriptor::digest))
    throw Error(Errc::unsupported, "compressed layers in " + archive_.name());
  Image image{.config = config_name};
  for (auto const& layer : manifest.layers()) {
    if (!has_blob(layer)) throw missing(layer.digest);
    image.layers.push_back(detail::layer_name(layer.digest));
  }
  image.top = put_directories(config);
  return images_.emplace_back(std::move(image));
}

STRATA_INLINE void DockerArchiveWriter::put_manifest(std::string_view reference, RawManifest const& manifest,
                                                     ManifestRole role) {
  if (role == ManifestRole::child || is_index(manifest_type(manifest.bytes, manifest.media_type)))
    throw Error(Errc::unsupported, "an index in " + archive_.name() + ", which is a docker-archive");
  auto tag = reference.empty() ? std::string() : detail::docker_tag(reference);
  auto const parsed = Manifest::parse(manifest.bytes, manifest.media_type);
  parsed.require_image();
  auto& tags = image_of(parsed).tags;
  if (!tag.empty() && std::ranges::find(tags, tag) == tags.end()) tags.push_back(std::move(tag));
}

STRATA_INLINE std::string DockerArchiveWriter::put_directories(ImageConfig const& config) {
  // The names are the digests of what a layer's `json` says and of the chain of layers up to it.
  auto const document = parse_document(config.bytes(), "configuration");
  auto const& diff_ids = config.diff_ids();
  std::string above;
  std::string chain;
  for (std::size_t i = 0; i < diff_ids.size(); ++i) {
    std::map<std::string, boost::json::value> members;
    if (!above.empty()) members["parent"] = above;
    if (i + 1 == diff_ids.size())
      for (auto const* const name :
           {"architecture", "config", "container", "container_config", "created", "docker_version", "os"}) {
        auto const* const value = document.as_object().if_contains(name);
        members[name] = value == nullptr ? boost::json::value() : *value;
      }
    auto const text = [&] { return document_text(detail::object_of(members)); };
    chain = i == 0 ? diff_ids[i].str() : Digest::of(as_bytes(chain + ' ' + diff_ids[i].str())).str();
    members["layer_id"] = chain;
    auto const id = std::string(Digest::of(as_bytes(text())).hex());
    members.erase("layer_id");
    members["id"] = id;
    if (directories_.insert(id).second) {
      archive_.link(id + "/layer.tar", "../" + detail::layer_name(diff_ids[i]));
      archive_.file(id + "/VERSION", detail::docker_mode, "1.0");
      archive_.file(id + "/json", detail::docker_mode, text());
    }
    above = id;
  }
  return above;
}

STRATA_INLINE std::string DockerArchiveWriter::manifest_text() const {
  boost::json::array out;
  for (auto const& image : images_)
    out.push_back(boost::json::object{{"Config", image.config},
                                      {"RepoTags", detail::array_of(image.tags)},
                                      {"Layers", detail::array_of(image.layers)}});
  return document_text(out);
}

STRATA_INLINE std::string DockerArchiveWriter::repositories_text() const {
  std::map<std::string, std::map<std::string, std::string>> names;
  for (auto const& image : images_)
    for (auto const& tag : image.tags) {
      auto const reference = Reference::parse(tag);
      if (!image.top.empty()) names[reference.name()][reference.tag()] = image.top;
    }
  boost::json::object out;
  for (auto const& [name, tags] : names) out.emplace(name, detail::object_of(tags));
  return document_text(out);
}

STRATA_INLINE void DockerArchiveWriter::finish() {
  archive_.file("manifest.json", detail::docker_mode, manifest_text());
  archive_.file("repositories", detail::docker_mode, repositories_text());
  archive_.finish();
}

}  // namespace strata::oci

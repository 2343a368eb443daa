#pragma once

#include <strata/oci/document.hpp>
#include <strata/oci/image_documents.hpp>
#include <strata/oci/reference.hpp>

#include <boost/json/value.hpp>

#include "image_names.hpp"
#include "json.hpp"
#include "session.hpp"
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What images say of themselves, as Podman tells it.
namespace oci_storage {

/// Names with a tag, and the digests of the image in the repositories of all names.
struct ImageNames {
  std::vector<std::string> tags = {};
  std::vector<std::string> digests = {};
};

inline ImageNames names_of(Store::Image const& image) {
  ImageNames out;
  std::set<std::string> digests;
  for (auto const& name : image.names()) {
    std::error_code no_reference;
    auto const reference = strata::oci::Reference::parse(name, no_reference);
    if (!reference || !reference->digest()) out.tags.push_back(name);
    if (!reference) continue;
    for (auto const& digest : image.digests()) digests.insert(reference->name() + '@' + digest);
  }
  out.digests.assign(digests.begin(), digests.end());
  return out;
}

/// A member of a configuration as it stands there.
inline strata::RawJson member_of(boost::json::value const& document, std::string_view name,
                                 std::string_view absent) {
  auto const* const value = document.as_object().if_contains(name);
  return {value == nullptr ? std::string(absent) : strata::oci::document_text(*value)};
}

inline void append_image(std::string& out, Session& session, Store::Image const& image) {
  auto const manifest = strata::oci::manifest_of(image);
  auto const config = strata::oci::config_of(image);
  auto const document = strata::oci::parse_document(config.bytes(), "configuration");
  bool const is_oci = manifest.format() == strata::oci::Format::oci;
  auto const& platform = config.platform();
  auto const names = names_of(image);
  std::vector<std::string> layers;
  for (auto const& diff_id : config.diff_ids()) layers.push_back(diff_id.str());
  std::string graph_driver;
  json::Object(graph_driver).member("Name", std::string(session.store.driver_name()));
  std::string root;
  json::Object(root).member("Type", "layers").member("Layers", layers);
  json::Object object(out);
  object.member("Id", image.record().id)
      .member("Digest", image.record().digest)
      .member("RepoTags", names.tags)
      .member("RepoDigests", names.digests);
  if (!is_oci)
    object.member("Comment", member_of(document, "comment", "\"\""));
  else
    object.member("Comment", config.history().empty() ? "" : config.history().front().comment);
  if (config.created()) object.member("Created", *config.created());
  object.member("Config", member_of(document, "config", "{}"))
      .member("Version", is_oci ? strata::RawJson{"\"\""} : member_of(document, "docker_version", "\"\""))
      .member("Author", config.author())
      .member("Architecture", platform.architecture)
      .member_if_set("Variant", platform.variant)
      .member("Os", platform.os)
      .member_if_set("OsVersion", platform.os_version)
      .member("Size", image.size())
      .member("VirtualSize", image.size())
      .member("GraphDriver", strata::RawJson{graph_driver})
      .member("RootFS", strata::RawJson{root})
      .member("Labels", config.config().labels)
      .member("Annotations", manifest.annotations())
      .member("ManifestType", manifest.media_type())
      .member("User", config.config().user)
      .member("History", member_of(document, "history", "[]"))
      .member("NamesHistory", image.record().names_history);
}

inline int inspect_images(Session& session, Invocation const& call) {
  std::string out = "[";
  for (auto const& argument : call.arguments)
    with_subject(argument, [&] {
      if (out.size() > 1) out += ',';
      append_image(out, session, get_image(session, argument).image);
    });
  return say_json(json::indented(out + ']'));
}

}  // namespace oci_storage

#pragma once

#include <strata/oci/manifest_type.hpp>
#include <strata/oci/media_type.hpp>

namespace strata::oci {

namespace detail {

STRATA_INLINE std::string guessed_type(Members& document) {
  auto const* const config = document.find("config");
  if (config == nullptr && document.find("manifests") != nullptr) return std::string(media_type::oci_index);
  if (config == nullptr)
    throw Error(Errc::corrupt_document, document.where() + ": neither a manifest nor an index");
  auto const type = Members(*config, document.where("config")).text("mediaType");
  return std::string(type == media_type::docker_config ? media_type::docker_manifest
                                                       : media_type::oci_manifest);
}

STRATA_INLINE void refuse_members(Members& document, std::initializer_list<char const*> names,
                                  char const* kind) {
  for (auto const* const name : names)
    if (document.find(name) != nullptr)
      throw Error(Errc::corrupt_document, document.where(name) + ": no member of " + kind);
}

STRATA_INLINE std::string type_of(boost::json::value const& value, std::string_view stated,
                                  std::string const& where) {
  Members document(value, where);
  auto own = document.text("mediaType");
  auto const version = document.integer("schemaVersion");
  if (is_schema1(own) || (own.empty() && (version == 1 || is_schema1(stated))))
    throw Error(Errc::unsupported, where + ": Docker's schema 1");
  if (version != 2) throw Error(Errc::corrupt_document, document.where("schemaVersion") + ": not 2");
  bool const is_stated = is_manifest(stated) || is_index(stated);
  if ((is_manifest(own) && is_index(stated)) || (is_index(own) && is_manifest(stated)))
    throw Error(Errc::corrupt_document,
                where + ": calls itself \"" + own + "\", but came as \"" + std::string(stated) + '"');
  if (own.empty()) own = is_stated ? std::string(stated) : guessed_type(document);
  if (!is_manifest(own) && !is_index(own)) throw Error(Errc::not_an_image, where + ": \"" + own + '"');
  if (is_index(own))
    refuse_members(document, {"config", "layers", "fsLayers", "history"}, "an index");
  else
    refuse_members(document, {"manifests", "fsLayers", "history"}, "a manifest");
  document.check_names();
  return own;
}

STRATA_INLINE TypedDocument::TypedDocument(std::string_view bytes, std::string_view stated,
                                           DocumentLimits const& limits)
    : NamedDocument("manifest", bytes, limits), media_type(type_of(document, stated, where)) {}

}  // namespace detail

STRATA_INLINE std::string manifest_type(std::string_view bytes, std::string_view stated,
                                        DocumentLimits const& limits) {
  return detail::TypedDocument(bytes, stated, limits).media_type;
}

}  // namespace strata::oci

#pragma once

#include <strata/oci/document.hpp>
#include <strata/oci/members.hpp>
#include <strata/separate.hpp>

#include <boost/json/value.hpp>

#include <initializer_list>
#include <string>
#include <string_view>

namespace strata::oci {

/// Tells which document a source has given: `is_index` or `is_manifest` of the result is true.
///
/// The document's own `mediaType` decides, else what the source states, else the members that it has, as in
/// containers/image. One that has members of both a manifest and an index is refused, as programs would differ in what
/// they take it for (CVE-2021-41190); so is one that calls itself a manifest where the source says index, or the reverse.
/// @param stated  what the source says; ignored if it is no media type of such a document
/// @throws `Errc::corrupt_document`; `Errc::unsupported` for Docker's schema 1; `Errc::not_an_image` for another media
///   type; `Errc::over_budget`
std::string manifest_type(std::string_view bytes, std::string_view stated = {},
                          DocumentLimits const& limits = {});

namespace detail {

/// A manifest or an index with its media type.
struct TypedDocument : NamedDocument {
  TypedDocument(std::string_view bytes, std::string_view stated, DocumentLimits const& limits);

  std::string media_type;
};

std::string type_of(boost::json::value const& value, std::string_view stated, std::string const& where);
/// By the members, where nobody says it.
std::string guessed_type(Members& document);
/// @throws `Errc::corrupt_document` if the document has one of these. @param kind  "a manifest"
void refuse_members(Members& document, std::initializer_list<char const*> names, char const* kind);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/manifest_type.ipp>
#endif

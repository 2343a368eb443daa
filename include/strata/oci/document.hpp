#pragma once

#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// What manifests, indexes and configurations share: JSON documents from strangers.
namespace strata::oci {

/// What a document may be; exceeding one is `Errc::over_budget`. Memory: up to 160 bytes for each value, and the text.
struct DocumentLimits {
  std::size_t bytes = std::size_t{4} << 20;  ///< as containers/image has it
  std::size_t values = 262'144;              ///< in all: objects, lists and what is in them
  std::size_t depth = 64;                    ///< of objects and lists in each other
  std::size_t layers = 4096;                 ///< of a manifest and its configuration; overlayfs mounts 500
};

/// Parses a document: JSON (RFC 8259) in UTF-8, whose objects have no member twice, for parsers differ in which they take.
/// @param what  names the document in errors: "manifest"
/// @throws `Errc::corrupt_document`, `Errc::over_budget`
boost::json::value parse_document(std::string_view text, std::string_view what,
                                  DocumentLimits const& limits = {});

/// Compact JSON as Go's encoding/json writes it, with its escapes; members in the order of the objects.
std::string document_text(boost::json::value const& document);

/// A document after an edit that leaves alone what it does not change: order of members, members that are not known,
/// values that only differ in how they are written.
/// @param before  what is known of it, as it would be written anew
/// @param after   the same after the edit
boost::json::value edited_document(boost::json::value const& document, boost::json::value const& before,
                                   boost::json::value const& after);

namespace detail {

/// A parsed document with its digest, which is part of its name in errors.
struct NamedDocument {
  NamedDocument(std::string_view what, std::string_view bytes, DocumentLimits const& limits);

  Digest digest;
  std::string where;  ///< "manifest sha256:…"
  boost::json::value document;
};

/// The text. @throws `Errc::over_budget` if it is longer than a document may be
std::string_view check_size(std::string_view text, std::string_view what, DocumentLimits const& limits);

/// A member of an object that is a text; empty if it is none, or nothing is an object.
std::string_view text_member(boost::json::value const& object, std::string_view name);

void append_json(std::string& out, boost::json::value const& value);
/// The shortest text of the number that is not one of an integer, so that it is read as what it was.
void append_number(std::string& out, double number);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/document.ipp>
#endif

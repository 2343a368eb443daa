#pragma once

#include <strata/digest.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/members.hpp>
#include <strata/oci/platform.hpp>
#include <strata/separate.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// What a document says of a blob that it refers to (OCI image specification, "Content Descriptors").
///
///     Descriptor const layer{.media_type = std::string(media_type::oci_layer), .digest = digest, .size = size};
struct Descriptor {
  std::string media_type = {};
  Digest digest;
  std::uint64_t size = 0;  ///< bytes
  std::vector<std::string> urls = {};
  std::map<std::string, std::string> annotations = {};
  /// The blob itself, decoded; has the size and the SHA-256 that are stated.
  std::optional<std::string> data = {};
  std::optional<Platform> platform = {};
  std::string artifact_type = {};
  boost::json::object unknown = {};              ///< members that the specification does not name
  boost::json::object unknown_of_platform = {};  ///< the same of `platform`: Docker's `features`

  bool operator==(Descriptor const&) const = default;
};

/// Reads a descriptor. @param where its place in the document: "manifest: layers[3]"
/// @throws `Errc::corrupt_document`, `Errc::digest_mismatch`, and the codes of `Digest::parse`
Descriptor read_descriptor(boost::json::value const& value, std::string where);

/// Reads a list of them. @param from the object that has it
/// @throws also `Errc::over_budget` if there are more than `limit`
std::vector<Descriptor> read_descriptors(Members& from, std::string_view name, std::size_t limit);

/// Members in the order in which programs in Go write those of the format: Docker's have the size before the digest.
boost::json::object descriptor_json(Descriptor const& descriptor, Format format = Format::oci);

namespace detail {

/// The blob within a descriptor, which must be the one that it describes.
std::string read_embedded(std::string const& base64, Descriptor const& descriptor, std::string const& where);
Platform read_platform(Members& members);

// The same the other way round.
std::string base64(std::string_view bytes);
boost::json::object platform_json(Platform const& platform);
boost::json::array texts_json(std::vector<std::string> const& texts);
boost::json::object text_map_json(std::map<std::string, std::string> const& texts);
/// Adds members behind those that an object has, which stay as they are.
void put_all(boost::json::object& object, boost::json::object const& members);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/descriptor.ipp>
#endif

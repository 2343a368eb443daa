#pragma once

#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/separate.hpp>

#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What layouts in directories and in archives share: OCI image specification 1.1, "Image Layout".
namespace strata::oci {

namespace layout {

inline constexpr std::string_view index = "index.json";
inline constexpr std::string_view marker = "oci-layout";
/// The marker's content as containers/image writes it.
inline constexpr std::string_view marker_text = R"({"imageLayoutVersion": "1.0.0"})";
inline constexpr std::string_view ref_name = "org.opencontainers.image.ref.name";

/// `blobs/<algorithm>/<hex>`
std::string blob_name(Digest const& digest);

/// @param text  of the marker
/// @throws `Errc::corrupt_document`; `Errc::unsupported` for another version than 1
void check_marker(std::string_view text, std::string const& where);

}  // namespace layout

/// "a, b, c and 7 more": what a place has, for errors.
std::string listed(std::vector<std::string> const& references);

/// The `index.json` of a layout: the images in it by name. Members and entries that are not known or not valid stay as they
/// are when it is written. A value.
class LayoutIndex {
 public:
  /// 100,000 manifests fit.
  static constexpr DocumentLimits limits{.bytes = std::size_t{32} << 20, .values = 1'000'000};

  /// Without images. @param where  names the layout in errors
  explicit LayoutIndex(std::string where);
  /// @throws `Errc::corrupt_document`, `Errc::over_budget`
  LayoutIndex(std::string_view text, std::string where);

  /// The entry of that name or digest; the only one for an empty reference.
  /// @throws `Errc::image_unknown`, and says what there is; as `read_descriptor`
  Descriptor get(std::string_view reference) const;
  /// The first entry with that digest.
  std::optional<Descriptor> find(Digest const& digest) const;
  /// Each name once, and the digests of entries without one.
  std::vector<std::string> references() const;

  /// Adds an entry as containers/image does: one that has the name already loses it; one of the same digest without a
  /// name is replaced.
  /// @param reference  becomes the name; none if it is empty or the image's digest
  /// @throws `Errc::invalid_reference` if it is another digest
  void add(std::string_view reference, Descriptor entry);

  /// Compact JSON.
  std::string text() const { return document_text(document_); }

 private:
  boost::json::array const& entries() const;
  Descriptor entry(std::size_t index) const;
  [[noreturn]] void refuse(std::string const& what) const;

  std::string where_;
  boost::json::value document_;
};

/// Describes a manifest or index for the index that lists it.
/// @throws the codes of `manifest_type`
Descriptor manifest_descriptor(RawManifest const& manifest);

/// Reads a manifest of a layout.
/// @param files  an `ImageDirectory` or `ArchiveMembers`
/// @throws `Errc::image_unknown`, `Errc::digest_mismatch`, and what the files throw
template <class Files>
RawManifest layout_manifest(Files const& files, std::string_view reference) {
  LayoutIndex const index(files.read(layout::index, LayoutIndex::limits.bytes), files.name());
  std::error_code no_digest;
  auto const digest = Digest::parse(reference, no_digest);
  // One that only another index lists has no entry here.
  auto const is_nested = digest && !index.find(*digest) && files.contains(layout::blob_name(*digest));
  auto const entry = is_nested ? std::nullopt : std::optional(index.get(reference));
  auto const& wanted = entry ? entry->digest : *digest;
  RawManifest out{.bytes = files.read(layout::blob_name(wanted), DocumentLimits{}.bytes),
                  .media_type = entry ? entry->media_type : std::string()};
  check_manifest(out.bytes, wanted, files.name());
  return out;
}

template <class Files>
std::vector<std::string> layout_references(Files const& files) {
  return LayoutIndex(files.read(layout::index, LayoutIndex::limits.bytes), files.name()).references();
}

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/layout_index.ipp>
#endif

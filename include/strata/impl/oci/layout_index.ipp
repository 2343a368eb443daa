#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/oci/manifest_type.hpp>

#include <boost/json/object.hpp>

#include <algorithm>
#include <set>
#include <system_error>

namespace strata::oci {

namespace detail {

inline bool is_digest(std::string_view text) {
  std::error_code error;
  return Digest::parse(text, error).has_value();
}

/// The name of an entry of an index; empty if it has none. One that is a digest does not count: by a digest only that manifest
/// is found.
inline std::string_view name_of(boost::json::value const& entry) {
  auto const* const members = entry.if_object();
  auto const* const annotations = members == nullptr ? nullptr : members->if_contains("annotations");
  auto const name = annotations == nullptr ? std::string_view() : text_member(*annotations, layout::ref_name);
  return is_digest(name) ? std::string_view() : name;
}

inline void remove_name(boost::json::value& entry) {
  auto& annotations = entry.as_object().at("annotations").as_object();
  annotations.erase(layout::ref_name);
  if (annotations.empty()) entry.as_object().erase("annotations");
}

}  // namespace detail

namespace layout {

STRATA_INLINE std::string blob_name(Digest const& digest) {
  return "blobs/" + std::string(digest.algorithm()) + '/' + std::string(digest.hex());
}

STRATA_INLINE void check_marker(std::string_view text, std::string const& where) {
  auto const document = parse_document(text, where);
  auto const version = Members(document, where).required_text("imageLayoutVersion");
  if (!version.starts_with("1."))
    throw Error(Errc::unsupported, where + ": version \"" + version + "\" of the layout");
}

}  // namespace layout

STRATA_INLINE std::string listed(std::vector<std::string> const& references) {
  constexpr std::size_t most = 20;
  std::string out;
  for (std::size_t i = 0; i < std::min(references.size(), most); ++i)
    out += (i == 0 ? "" : ", ") + references[i];
  if (references.size() > most) out += " and " + std::to_string(references.size() - most) + " more";
  return out;
}

STRATA_INLINE LayoutIndex::LayoutIndex(std::string where)
    : LayoutIndex(R"({"schemaVersion":2,"manifests":[]})", std::move(where)) {}

STRATA_INLINE LayoutIndex::LayoutIndex(std::string_view text, std::string where)
    : where_(std::move(where)), document_(parse_document(text, where_ + ": index.json", limits)) {
  Members members(document_, where_ + ": index.json");
  if (members.integer("schemaVersion") != 2) refuse("schemaVersion: not 2");
  if (members.array("manifests") == nullptr) document_.as_object()["manifests"].emplace_array();
}

STRATA_INLINE void LayoutIndex::refuse(std::string const& what) const {
  throw Error(Errc::corrupt_document, where_ + ": index.json: " + what);
}

STRATA_INLINE boost::json::array const& LayoutIndex::entries() const {
  return document_.as_object().at("manifests").as_array();
}

STRATA_INLINE Descriptor LayoutIndex::entry(std::size_t index) const {
  return read_descriptor(entries()[index], where_ + ": index.json: manifests[" + std::to_string(index) + ']');
}

STRATA_INLINE Descriptor LayoutIndex::get(std::string_view reference) const {
  auto const& all = entries();
  auto const is_wanted = [&, by_digest = detail::is_digest(reference)](boost::json::value const& each) {
    return (by_digest ? detail::text_member(each, "digest") : detail::name_of(each)) == reference;
  };
  auto const is_as_first = [&](boost::json::value const& each) {
    return detail::text_member(each, "digest") == detail::text_member(all[0], "digest");
  };
  if (reference.empty()) {
    if (all.empty()) throw Error(Errc::image_unknown, where_ + ": no image");
    if (std::ranges::all_of(all, is_as_first)) return entry(0);
    throw Error(Errc::image_unknown, where_ + ": one must be named of " + listed(references()));
  }
  auto const found = std::ranges::find_if(all, is_wanted);
  if (found == all.end())
    throw Error(Errc::image_unknown,
                "\"" + std::string(reference) + "\" in " + where_ +
                    (all.empty() ? ": it has no image" : ": it has " + listed(references())))
        .about(Subject::image, std::string(reference));
  return entry(static_cast<std::size_t>(found - all.begin()));
}

STRATA_INLINE std::optional<Descriptor> LayoutIndex::find(Digest const& digest) const {
  auto const& all = entries();
  auto const found = std::ranges::find_if(all, [&](boost::json::value const& each) {
    return detail::text_member(each, "digest") == digest.str();
  });
  if (found == all.end()) return std::nullopt;
  return entry(static_cast<std::size_t>(found - all.begin()));
}

STRATA_INLINE std::vector<std::string> LayoutIndex::references() const {
  std::vector<std::string> out;
  std::set<std::string_view> seen;
  for (auto const& each : entries()) {
    auto const name = detail::name_of(each);
    auto const reference = name.empty() ? detail::text_member(each, "digest") : name;
    bool const is_one = !name.empty() || detail::is_digest(reference);
    if (is_one && seen.insert(reference).second) out.emplace_back(reference);
  }
  return out;
}

STRATA_INLINE void LayoutIndex::add(std::string_view reference, Descriptor entry) {
  if (detail::is_digest(reference)) {
    if (reference != entry.digest.str())
      throw Error(Errc::invalid_reference, "a digest as a name of another image: " + std::string(reference));
    reference = {};
  }
  if (reference.empty())
    entry.annotations.erase(std::string(layout::ref_name));
  else
    entry.annotations.insert_or_assign(std::string(layout::ref_name), std::string(reference));
  auto& all = document_.as_object().at("manifests").as_array();
  if (!reference.empty())
    for (auto& each : all)
      if (detail::name_of(each) == reference) detail::remove_name(each);
  auto const same = std::ranges::find_if(all, [&](boost::json::value const& each) {
    return detail::text_member(each, "digest") == entry.digest.str() && detail::name_of(each).empty();
  });
  if (same != all.end())
    *same = descriptor_json(entry);
  else
    all.push_back(descriptor_json(entry));
}

STRATA_INLINE Descriptor manifest_descriptor(RawManifest const& manifest) {
  return {.media_type = manifest_type(manifest.bytes, manifest.media_type),
          .digest = Digest::of(as_bytes(manifest.bytes)),
          .size = manifest.bytes.size()};
}

}  // namespace strata::oci

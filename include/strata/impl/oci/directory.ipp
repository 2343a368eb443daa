#pragma once

#include <strata/error.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/oci/manifest.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/verified_source.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/stream.hpp>

#include <algorithm>

namespace strata::oci {
namespace detail {

inline constexpr std::string_view dir_version = "version";
/// As containers/image writes it, which compares the whole text.
inline constexpr std::string_view dir_version_text = "Directory Transport Version: 1.1\n";
inline constexpr std::string_view dir_manifest = "manifest.json";
inline constexpr std::string_view dir_child = ".manifest.json";

/// containers/image has a prefix for digests of other algorithms than SHA-256, since 5.32.
inline std::string dir_name(Digest const& digest) {
  std::string const hex(digest.hex());
  return digest.algorithm() == "sha256" ? hex : std::string(digest.algorithm()) + '-' + hex;
}

/// True for a file of an image: a blob, a manifest of an index, a signature.
inline bool is_of_image(std::string_view name) {
  if (name.starts_with("signature-")) return true;
  if (name.ends_with(dir_child)) name.remove_suffix(dir_child.size());
  for (std::string_view const prefix : {"sha384-", "sha512-"})
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  return name.size() >= 64 &&
         std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace detail

STRATA_INLINE RawManifest Directory::manifest(std::string_view reference) const {
  auto const most = DocumentLimits{}.bytes;
  RawManifest out{.bytes = files_.read(detail::dir_manifest, most)};
  if (reference.empty()) return out;
  std::error_code no_digest;
  auto const digest = Digest::parse(reference, no_digest);
  auto const unknown = [&] {
    return Error(Errc::image_unknown, '"' + std::string(reference) + "\" in " + files_.name())
        .at(files_.name());
  };
  if (!digest) throw unknown();
  if (digest->algorithm() == "sha256" && Digest::of(as_bytes(out.bytes)) == *digest) return out;
  auto const child = detail::dir_name(*digest) + std::string(detail::dir_child);
  if (!files_.contains(child)) throw unknown();
  out.bytes = files_.read(child, most);
  check_manifest(out.bytes, *digest, files_.name());
  return out;
}

STRATA_INLINE Source Directory::blob(Descriptor const& blob) const {
  auto const name = detail::dir_name(blob.digest);
  check_size(files_.size(name), blob, files_.name());
  return files_.open(name);
}

STRATA_INLINE Source Directory::blob(Descriptor const& blob, ByteRange range) const {
  auto const name = detail::dir_name(blob.digest);
  check_size(files_.size(name), blob, files_.name());
  return files_.open(name, range);
}

STRATA_INLINE bool Directory::has_blob(Descriptor const& blob) const {
  return files_.find(detail::dir_name(blob.digest)) == blob.size;
}

STRATA_INLINE void Directory::prepare() {
  if (prepared_) return;
  files_.make_directory("");
  if (files_.contains(detail::dir_version)) {
    if (auto const text = files_.read(detail::dir_version, 4096);
        !text.starts_with("Directory Transport Version: 1."))
      throw Error(Errc::unsupported, files_.name() + ": " + text).at(files_.name());
  } else if (!sys::entries_of(files_.path()).empty()) {
    throw Error(Errc::unsupported, files_.name() + ": neither empty nor an image's directory")
        .at(files_.name());
  } else {
    files_.put(detail::dir_version, memory_source(std::string(detail::dir_version_text)));
  }
  prepared_ = true;
}

STRATA_INLINE void Directory::put(std::string const& name, Source in) {
  prepare();
  files_.put(name, std::move(in));
  kept_.insert(name);
}

STRATA_INLINE void Directory::put_blob(Descriptor const& blob, Source in) {
  put(detail::dir_name(blob.digest), VerifiedSource(std::move(in), blob, files_.name()));
}

STRATA_INLINE void Directory::put_manifest(std::string_view reference, RawManifest const& manifest,
                                           ManifestRole role) {
  auto const descriptor = manifest_descriptor(manifest);
  if (is_manifest(descriptor.media_type)) {
    auto const parsed = Manifest::parse(manifest.bytes, manifest.media_type);
    kept_.insert(detail::dir_name(parsed.config().digest));
    for (auto const& layer : parsed.layers()) kept_.insert(detail::dir_name(layer.digest));
  }
  if (role == ManifestRole::child)
    return put(detail::dir_name(descriptor.digest) + std::string(detail::dir_child),
               memory_source(manifest.bytes));
  if (!reference.empty())
    throw Error(Errc::unsupported, "a name, \"" + std::string(reference) + "\", in " + files_.name())
        .at(files_.name());
  if (manifest_ && *manifest_ != manifest.bytes)
    throw Error(Errc::unsupported, "a second image in " + files_.name()).at(files_.name());
  manifest_ = manifest.bytes;
}

STRATA_INLINE void Directory::finish() {
  if (!manifest_) throw Error(Errc::unsupported, "no image for " + files_.name()).at(files_.name());
  prepare();
  files_.put(detail::dir_manifest, memory_source(*manifest_), sys::TemporaryName::fixed);
  for (auto const& file : sys::entries_of(files_.path()))
    if (auto const name = base_name(file); detail::is_of_image(name) && !kept_.contains(name))
      files_.remove(name);
}

}  // namespace strata::oci

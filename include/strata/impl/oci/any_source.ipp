#pragma once

#include <strata/digest.hpp>
#include <strata/oci/any_source.hpp>
#include <strata/oci/layout_index.hpp>
#include <strata/oci/reference.hpp>
#include <strata/sys/fd.hpp>

#include <array>
#include <sys/stat.h>
#include <system_error>
#include <variant>

namespace strata::oci {

STRATA_INLINE auto AnySource::open(fs::path const& path, ArchiveOptions const& options, Unpacking unpacking)
    -> Place {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) sys::throw_errno("stat", path);
  if (!S_ISDIR(status.st_mode)) return archive(ArchiveMembers(path, options, unpacking));
  ImageDirectory const files(path);
  if (files.contains(layout::index)) return OciLayout(path);
  if (files.contains("manifest.json")) return Directory(path);
  throw Error(Errc::not_an_image, path.native() + ": a directory with neither index.json nor manifest.json")
      .at(path.native());
}

STRATA_INLINE auto AnySource::archive(ArchiveMembers members) -> Place {
  if (members.contains("manifest.json")) return DockerArchive(std::move(members));
  if (members.contains(layout::index)) return OciArchive(std::move(members));
  throw Error(Errc::not_an_image, members.name() + ": an archive with neither manifest.json nor index.json")
      .at(members.name());
}

STRATA_INLINE std::string_view AnySource::transport() const noexcept {
  static constexpr std::array<std::string_view, std::variant_size_v<Place>> names{
      "oci", "dir", "oci-archive", "docker-archive"};  // as `Place` has them
  return names[place_.index()];
}

STRATA_INLINE RawManifest AnySource::manifest(std::string_view reference) const {
  return std::visit([&](auto const& place) { return place.manifest(reference); }, place_);
}

STRATA_INLINE Source AnySource::blob(Descriptor const& blob) const {
  return std::visit([&](auto const& place) { return place.blob(blob); }, place_);
}

STRATA_INLINE std::vector<std::string> AnySource::references() const {
  return std::visit(
      [](auto const& place) {
        if constexpr (ListedImageSource<decltype(place)>)
          return place.references();
        else
          return std::vector<std::string>{""};
      },
      place_);
}

STRATA_INLINE std::string AnySource::name_of(std::string_view reference) const {
  std::error_code no_digest;
  if (reference.empty() || std::holds_alternative<Directory>(place_) || Digest::parse(reference, no_digest))
    return {};
  if (!std::holds_alternative<DockerArchive>(place_)) return Reference::parse_local(reference).str();
  return reference.starts_with('@') ? std::string() : Reference::parse(reference).str();
}

}  // namespace strata::oci

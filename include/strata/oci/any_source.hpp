#pragma once

#include <strata/concepts/bytes.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/fwd.hpp>
#include <strata/oci/archive_members.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/directory.hpp>
#include <strata/oci/docker_archive.hpp>
#include <strata/oci/image_source.hpp>
#include <strata/oci/oci_archive.hpp>
#include <strata/oci/oci_layout.hpp>
#include <strata/separate.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace strata::oci {

/// Images in a file or directory of which only the path is known, or in a stream: an `OciLayout`, a `Directory`, an
/// `OciArchive` or a `DockerArchive`. An archive that is both of the latter, as Docker writes them since release 25, is read
/// as Docker's, which has complete names.
///
///     oci::AnySource source("image.tar.gz");
///     for (auto const& reference : source.references())
///       oci::copy_image(source, images, {.reference = reference, .name = source.name_of(reference)});
///
/// Thread-safe.
class AnySource {
 public:
  /// @throws ENOENT, "stat <path>"; `Errc::not_an_image` for anything else; what the place throws
  template <class Codecs = codec::All>
  explicit AnySource(fs::path const& path, ArchiveOptions const& options = {}, Codecs const& = {})
      : AnySource(open(path, options, Unpacking::with<Codecs>())) {}

  /// An archive from a stream, which is read to its end.
  /// @param name  for errors' subjects
  template <class Codecs = codec::All>
  AnySource(Source in, std::string name, ArchiveOptions const& options = {}, Codecs const& = {})
      : AnySource(
            archive(ArchiveMembers(std::move(in), std::move(name), options, Unpacking::with<Codecs>()))) {}

  /// What the place is as containers-transports(5) has it: "oci", "dir", "oci-archive" or "docker-archive".
  std::string_view transport() const noexcept;

  RawManifest manifest(std::string_view reference) const;
  Source blob(Descriptor const& blob) const;
  /// An empty one for a `Directory`.
  std::vector<std::string> references() const;

  /// The name that Podman gives an image when it loads it: a tag of a `DockerArchive`, completed as Docker does; a name in a
  /// layout, with "localhost" before it if it states no registry. Empty if it has none.
  /// @param reference  one of `references()`, or another one that `manifest` takes
  /// @throws `Errc::invalid_reference`
  std::string name_of(std::string_view reference) const;

 private:
  using Place = std::variant<OciLayout, Directory, OciArchive, DockerArchive>;

  explicit AnySource(Place place) : place_(std::move(place)) {}
  static Place open(fs::path const& path, ArchiveOptions const& options, Unpacking unpacking);
  static Place archive(ArchiveMembers members);

  Place place_;
};

static_assert(ListedImageSource<AnySource const>);

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/any_source.ipp>
#endif

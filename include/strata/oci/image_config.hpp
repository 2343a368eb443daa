#pragma once

#include <strata/digest.hpp>
#include <strata/oci/descriptor.hpp>
#include <strata/oci/document.hpp>
#include <strata/oci/media_type.hpp>
#include <strata/oci/members.hpp>
#include <strata/oci/platform.hpp>
#include <strata/separate.hpp>
#include <strata/timestamp.hpp>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace strata::oci {

/// How a container of the image runs: the member `config`. What is empty is not written.
struct RunConfig {
  std::string user = {};
  std::vector<std::string> exposed_ports = {};  ///< "80/tcp"
  std::vector<std::string> env = {};            ///< "NAME=value"
  std::vector<std::string> entrypoint = {};
  std::vector<std::string> cmd = {};
  std::vector<std::string> volumes = {};  ///< paths in the container
  std::string working_dir = {};
  std::map<std::string, std::string> labels = {};
  std::string stop_signal = {};
  boost::json::object unknown = {};  ///< other members: Docker's Healthcheck, OnBuild, Shell

  bool operator==(RunConfig const&) const = default;
};

/// One step of what made the image.
struct HistoryEntry {
  std::optional<Timestamp> created = {};
  std::string created_by = {};
  std::string author = {};
  std::string comment = {};
  bool empty_layer = false;  ///< it has no layer
  boost::json::object unknown = {};

  bool operator==(HistoryEntry const&) const = default;
};

/// What an image's configuration says.
struct ImageConfigParts {
  std::optional<Timestamp> created = {};
  std::string author = {};
  Platform platform = {};
  RunConfig config = {};
  std::vector<Digest> diff_ids = {};  ///< of the uncompressed layers, the lowest first
  std::vector<HistoryEntry> history = {};
  boost::json::object unknown = {};  ///< members that the specification does not name
};

/// The configuration of an image: OCI image specification 1.1, "Image Configuration", which Docker's schema 2 shares. Keeps
/// the bytes that it was read from: their SHA-256 is the image's id. A value.
///
///     auto parts = base.parts();
///     parts.config.cmd = {"/bin/sh"};
///     ImageConfig const next = base.edited(parts);
class ImageConfig {
 public:
  /// @throws `Errc::corrupt_document`, `Errc::over_budget`, the codes of `Digest::parse`; `Errc::not_an_image` if there is
  ///   no `rootfs`: the configuration of another artifact
  static ImageConfig parse(std::string bytes, DocumentLimits const& limits = {});

  /// Lays one out as the Go types of the specification do: compact; equal parts give equal bytes.
  static ImageConfig make(ImageConfigParts const& parts);

  /// One that says `parts`. What is not changed stays as it is, with the order of members and members that are not known.
  ImageConfig edited(ImageConfigParts const& parts) const;

  std::string const& bytes() const noexcept { return bytes_; }
  Digest const& digest() const noexcept { return digest_; }
  /// Its own descriptor, for a manifest.
  Descriptor descriptor(Format format = Format::oci) const {
    return {.media_type = std::string(config_media_type(format)), .digest = digest_, .size = bytes_.size()};
  }

  ImageConfigParts const& parts() const noexcept { return parts_; }
  std::optional<Timestamp> const& created() const noexcept { return parts_.created; }
  std::string const& author() const noexcept { return parts_.author; }
  Platform const& platform() const noexcept { return parts_.platform; }
  RunConfig const& config() const noexcept { return parts_.config; }
  std::vector<Digest> const& diff_ids() const noexcept { return parts_.diff_ids; }
  std::vector<HistoryEntry> const& history() const noexcept { return parts_.history; }

 private:
  ImageConfig(std::string bytes, Digest digest, ImageConfigParts parts);

  std::string bytes_;
  Digest digest_;
  ImageConfigParts parts_;
};

namespace detail {

RunConfig read_run_config(Members members);
HistoryEntry read_history_entry(Members members);
std::vector<Digest> read_diff_ids(Members rootfs, DocumentLimits const& limits);

// The same the other way round; what is empty is not put.
boost::json::value image_config_json(ImageConfigParts const& parts);
boost::json::object run_config_json(RunConfig const& config);
boost::json::object history_json(HistoryEntry const& entry);
void put_text(boost::json::object& out, char const* name, std::string const& text);
void put_texts(boost::json::object& out, char const* name, std::vector<std::string> const& texts);
/// Go's way to write a set: an object of empty objects.
void put_names(boost::json::object& out, char const* name, std::vector<std::string> const& names);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/image_config.ipp>
#endif

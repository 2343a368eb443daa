#pragma once

#include <strata/error.hpp>
#include <strata/separate.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::oci {

/// What an image runs on, in Go's words: "linux", "amd64" (OCI image specification, "Image Index": `platform`).
struct Platform {
  std::string os = {};
  std::string architecture = {};
  std::string variant = {};     ///< of the architecture: "v7"; empty: none stated
  std::string os_version = {};  ///< Windows: "10.0.14393.1066"
  std::vector<std::string> os_features = {};

  bool operator==(Platform const&) const = default;

  /// Parses "os/architecture" or "os/architecture/variant". Architectures that have another name, such as "x86_64" and
  /// "aarch64", become Go's.
  /// @throws EINVAL
  static Platform parse(std::string_view text);
  /// "os/architecture" or "os/architecture/variant".
  std::string str() const;
};

/// The platform of this process, with the variant of an ARM processor.
/// @throws `errno`
Platform host_platform();

/// How well an image for `offered` suits who wants `wanted`: 0 is best; none if it does not.
///
/// Operating system and architecture must be equal. Variants as containers/image 5.23 chooses them: the wanted one,
/// else a lesser one that it can run (ARM: v8, v7, v6, v5), else an image that states none; if none is wanted, an
/// image that states none, else the one that every processor of the architecture has (arm64: v8). An `os_version`
/// and `os_features` count only if they are wanted.
std::optional<std::size_t> suitability(Platform const& wanted, Platform const& offered);

/// True if an image for `offered` runs where `wanted` is.
inline bool matches(Platform const& wanted, Platform const& offered) {
  return suitability(wanted, offered).has_value();
}

namespace detail {

/// The kernel's and other programs' names of architectures, and Go's. A name with a variant is one of ARM.
Platform with_go_names(Platform platform);

/// The variants that a processor of this one runs, the best first.
std::vector<std::string_view> runnable_variants(Platform const& wanted);

}  // namespace detail

}  // namespace strata::oci

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/oci/platform.ipp>
#endif

#pragma once

#include <strata/drivers/overlay/layer_stores.hpp>
#include <strata/fs.hpp>
#include <strata/separate.hpp>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Splits at every `separator`; a text without one is one piece, an empty text none.
std::vector<std::string> split(std::string_view text, char separator);

/// Options of the overlay driver, as in storage.conf and `--storage-opt`.
struct Options {
  std::string home_name =
      "overlay";  ///< directory below the graph root; "overlay2" for stores opened under that name
  std::string mountopt = {};     ///< comma-separated options of every mount; in the names of recorded probes
  fs::path mount_program = {};   ///< mounts instead of the kernel; called as `<program> -o <data> <target>`
  bool skip_mount_home = false;  ///< don't bind-mount the home onto itself
  bool ignore_chown_errors = false;
  /// Mode of all files and directories of new layers; their own modes are kept in an attribute. Writable
  /// layers then need a mount program that supports it.
  std::optional<std::uint32_t> force_mask = {};
  std::uint64_t size = 0;         ///< limit in bytes for a writable layer, by project quota; 0: unlimited
  std::uint64_t inodes = 0;       ///< limit of its number of files, likewise
  bool sync_file_system = false;  ///< 1.63's `sync=filesystem`: flush whatever the caller's durability
  std::vector<fs::path> image_stores = {};    ///< graph roots of read-only stores, in search order
  std::vector<LayerStore> layer_stores = {};  ///< in search order

  /// Parses `[prefix]key=value` texts; a later one overrides an earlier one, image stores accumulate. Options
  /// with the prefix of another driver are ignored, as in release 1.63.
  /// @throws `Errc::driver_option`; its subject is the whole message
  static Options parse(std::vector<std::string> const& key_values);
};

namespace detail {

/// Parses a named mode, or a mode in octal.
std::uint32_t parse_mask(std::string const& value);

std::uint64_t parse_inodes(std::string const& value);

void add_image_store(Options& options, std::string const& text);

void add_image_stores(Options& options, std::string const& value);

void set(Options& options, std::string_view given_key, std::string_view key, std::string const& value);

}  // namespace detail

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/options.ipp>
#endif

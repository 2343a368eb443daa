#pragma once

#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/lookup.hpp>

#include <climits>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::drivers::overlay {

/// Makes a short name: 26 random characters of base32's alphabet (RFC 4648), as in containers/storage.
std::string random_link();

/// True if a name in the driver's home is not that of a layer.
bool is_reserved(std::string_view name);

/// Names, without their digits, of directories in the home in which containers/storage probes the kernel.
inline constexpr std::array<std::string_view, 4> probe_names{"compat", "metacopy-check", "opaque-bug-check",
                                                             "volatile-check"};

/// True if a directory in the home is a probe: it is removed at once, unless its process is killed. A layer
/// may have such a name, too.
bool is_probe(fs::path const& directory);

/// True for a directory, or a link to one. For paths of the store only.
/// @throws `errno`, "stat <path>", if this cannot be determined
inline bool holds_directory(fs::path const& path) { return sys::is_directory(path); }

/// Target of a symbolic link; none if it does not exist.  @throws `errno`, "readlink <path>", if it cannot be
/// read
std::optional<std::string> read_link(fs::path const& path);

/// The directories of layers, in the driver's own home and those of read-only stores, and the files that name
/// the layers below each layer: `link`, `l/<short>`, `lower` and, since release 1.63, `lower-layers`.
///
/// All four are written and kept consistent; `lower-layers` is read, else `lower` through `l/`. Const calls
/// are thread-safe.
class LayerDirs {
 public:
  /// @param image_store  home of layers that no container writes to; empty: `home`
  LayerDirs(fs::path home, std::vector<fs::path> const& other_homes, fs::path image_store = {});

  fs::path const& home() const { return homes_.front(); }
  /// Homes that may be written to.
  std::span<fs::path const> own_homes() const { return {homes_.data(), own_homes_}; }
  fs::path const& home_for(bool writable) const { return writable ? home() : own_homes().back(); }
  /// For a layer that does not exist: its path in `home()`.
  fs::path own(std::string_view id) const;
  bool is_own(fs::path const& layer) const;

  /// Searches the homes in order.
  std::optional<fs::path> find(std::string_view id) const;

  /// @throws `Errc::layer_unknown`
  fs::path get(std::string_view id) const;

  /// Ids of the layers in the own homes.
  std::vector<std::string> list() const { return directories(false); }
  /// Names of directories in the own homes that are not layers, see `is_probe`.
  std::vector<std::string> probes() const { return directories(true); }

  /// Ids of all layers below a layer, nearest first.
  /// @param layer  directory of the layer
  /// @throws       `Errc::parent_unknown`: an entry of `lower` whose link is lost and cannot be determined
  ///   from `link` files
  std::vector<std::string> lower_ids(fs::path const& layer) const;

  /// Directories of all layers below a layer, nearest first.
  /// @throws `Errc::parent_unknown`
  std::vector<fs::path> lowers(fs::path const& layer) const;

  /// Trees below a layer's own, nearest first: those of the layers below, each followed by the trees that it
  /// had before the owners of its files changed.
  std::vector<fs::path> trees_below(fs::path const& layer) const;

  /// Short name of a layer; none if its file or its entry in `l/` is lost.
  std::optional<std::string> link_of(fs::path const& layer) const;

  /// The two lists of a child of a layer.
  struct Lists {
    std::string parent_link = {};   ///< `<short>`
    std::string lower = {};         ///< `l/<short>:...`, nearest first
    std::string lower_layers = {};  ///< `<id>:...`
  };

  /// @return  none if a link of one of the layers is lost; call `repair()` then
  std::optional<Lists> lists_for_child_of(fs::path const& parent) const;

  /// Re-creates lost entries of `l/` from `link` files, and `link` files from entries of `l/`; a layer that
  /// lost both gets a new name. The store's lock is held. Linear in the number of layers.
  void repair() const;

  /// Makes `l/<link>` -> `../<id>/diff`, unless it exists.
  void make_link(std::string const& link, std::string const& id) const;

 private:
  std::vector<std::string> directories(bool are_probes) const;

  /// The layer to which `l/<link>` of any home refers: the second-last component of its target.
  std::optional<std::string> id_behind(std::string const& link) const;

  /// Short names and their ids, from the `link` files of all homes.
  std::map<std::string, std::string> links_by_file() const;

  std::vector<fs::path> homes_;  // own homes first
  std::size_t own_homes_ = 1;
};

}  // namespace strata::drivers::overlay

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/drivers/overlay/layer_dirs.ipp>
#endif

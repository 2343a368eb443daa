#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/durability.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/separate.hpp>
#include <strata/sys/directory.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/lookup.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata {

/// Location of a store, and how it is opened.
template <class Driver, class Durability>
struct StoreOptions {
  fs::path graph_root;  ///< persistent data; created if missing
  fs::path run_root;    ///< mount counts and the like; may be lost at reboot
  typename Driver::Options driver = {};
  [[no_unique_address]] Durability durability = {};
  bool read_only = false;  ///< change and create nothing, including lock files

  /// Graph roots of read-only stores, searched in this order after the store itself. Nothing is created or
  /// locked in them that did not exist, and they may be on a file system that is read-only or refuses locks.
  /// Added to those in the driver's options.
  std::vector<fs::path> image_stores = {};
  /// Root of images and of the layers that no container writes to, shared by all stores that name it. Empty:
  /// the graph root. (containers/storage since 1.47; earlier releases do not see what is there.)
  fs::path image_store = {};
  /// Keep records of new containers and their layers in the run root, where the next reboot removes them.
  /// Must not be mixed with use without it, which has another lock for containers. (containers/storage since
  /// 1.45)
  bool transient = false;
  /// Keep records of volatile containers and their layers in separate files that are not flushed, as
  /// containers/storage does since 1.45. Off by default: earlier releases do not see these records, and may
  /// remove an image that such a container uses.
  bool volatile_apart = false;
  /// Mount volatile containers like others: writes are flushed when unmounting.
  bool disable_volatile = false;
  /// Maps for files of layers without a parent, and of containers without an image, unless the call has its
  /// own. Other layers have their parent's; where mounts can map ids, all are stored with host ids.
  IdMaps default_maps = {};
};

namespace detail {

bool is_same_directory(fs::path const& one, fs::path const& other);

/// Refuses a store that another serializer wrote. Podman's layout names no serializer and is recognized by
/// its record files; a store in another layout has a marker file, so that it is not mistaken for an empty
/// one.
/// @throws `Errc::store_mismatch`
template <class LayerTraits>
void check_maker(fs::path const& root, bool read_only, Flush flush) {
  using Serializer = typename LayerTraits::Serializer;
  auto const marker = root / paths::marker;
  auto const found = sys::read_stored(marker);
  constexpr bool podman = requires { requires Serializer::podman_layout; };
  std::string const maker = podman ? std::string() : std::string(Serializer::name()) + '\n';
  if (found && *found != maker)
    throw Error(Errc::store_mismatch,
                root.native() + ", written by serializer " + found->substr(0, found->find('\n')));
  if constexpr (!podman) {
    if (found) return;
    auto const layers = '-' + std::string(LayerTraits::stem);
    for (auto const& entry : sys::entries_of(root))
      if (entry.native().ends_with(layers) && sys::is_directory(entry))
        throw Error(Errc::store_mismatch, root.native() + ", written by serializer json");
    if (!read_only) sys::replace_file(marker, maker, {.mode = 0600, .flush = flush});
  }
}

/// Makes paths absolute, rejects options that the driver or the serializer does not support, and creates the
/// roots unless the store is opened for reading.
/// @throws `Errc::incomplete_options`, `Errc::unsupported`, `Errc::image_store_same`, `Errc::store_mismatch`
template <class LayerTraits, bool is_log, class Driver, class Durability>
StoreOptions<Driver, Durability> checked(StoreOptions<Driver, Durability> options) {
  using Serializer = typename LayerTraits::Serializer;
  if (options.graph_root.empty() || options.run_root.empty())
    throw Error(Errc::incomplete_options, "no storage runroot or graphroot specified");
  options.graph_root = sys::absolute(options.graph_root);
  options.run_root = sys::absolute(options.run_root);
  for (auto& root : options.image_stores) root = sys::absolute(root);
  if (!options.image_store.empty()) options.image_store = sys::absolute(options.image_store);
  if (is_log && (options.transient || !options.image_store.empty()))
    throw Error(Errc::unsupported,
                "separate image store or transient store with serializer " + std::string(Serializer::name()));
  if (!ImageStoreDriver<Driver> && (!options.image_stores.empty() || !options.image_store.empty()))
    throw Error(Errc::unsupported, "several stores with this driver");
  auto const flush = options.durability.level();
  if (!options.read_only) {
    sys::make_directories(options.graph_root, 0700, flush);
    sys::make_directories(options.run_root, 0700);
  }
  if (!options.image_store.empty()) {
    if (!options.read_only) sys::make_directories(options.image_store, 0700, flush);
    if (is_same_directory(options.image_store, options.graph_root))
      throw Error(Errc::image_store_same, "imagestore " + options.image_store.native());
  }
  check_maker<LayerTraits>(options.graph_root, options.read_only, flush);
  return options;
}

/// Graph roots of the read-only stores that the driver uses, each once, in order. The store itself is left
/// out, since it would wait for its own locks forever.
/// @throws `Errc::store_mismatch`
template <class LayerTraits, class Driver, class Durability>
std::vector<fs::path> read_only_roots(StoreOptions<Driver, Durability> const& options, Driver const& driver) {
  std::vector<fs::path> roots;
  if constexpr (ImageStoreDriver<Driver>)
    for (auto const& root : driver.image_stores()) {
      auto const known = [&](auto const& other) { return is_same_directory(root, other); };
      if (known(options.graph_root) || known(options.image_store) || std::ranges::any_of(roots, known))
        continue;
      if (sys::is_directory(root)) check_maker<LayerTraits>(root, true, Flush::none);
      roots.push_back(root);
    }
  return roots;
}

}  // namespace detail

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/store/store_options.ipp>
#endif

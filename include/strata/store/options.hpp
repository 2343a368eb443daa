#pragma once

#include <strata/codec/codec.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/progress.hpp>
#include <strata/records/names.hpp>
#include <strata/records/record.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// Options of the store's calls: aggregates with defaults, called as `{.names = {"base"}}`.
namespace strata {

/// Budgets for reading an archive; exceeding one is `Errc::over_budget`.
///
/// The defaults are generous for any real layer. Lower them to import from untrusted sources.
struct ImportLimits {
  /// Decompressed size of the archive, in bytes. The apparent size of all sparse files is counted separately
  /// against the same number: holes use no space on disk, but readers and checksums pass over them.
  std::uint64_t plain_bytes = std::uint64_t{256} << 30;
  /// Largest ratio of decompressed to compressed bytes; enforced once 1 GiB has been decompressed.
  std::uint64_t ratio = 1000;
  std::uint64_t entries = 10'000'000;
  std::uint64_t path_bytes = 4096;                      ///< of one name or link target
  std::uint64_t xattr_bytes = std::uint64_t{1} << 20;   ///< of one entry, keys and values
  std::uint64_t header_bytes = std::uint64_t{8} << 20;  ///< of one entry's extended headers
};

/// Id maps that a layer's files are to be stored with. Unset: inherited from the parent, or the store's
/// default for a base layer. An empty map: host ids.
struct WantedMaps {
  std::optional<IdMap> uids = {};
  std::optional<IdMap> gids = {};
};

/// Options of `Layers::create`.
struct LayerOptions {
  std::string id = {};  ///< empty: a random id
  names::List names = {};
  Ref parent = "";  ///< empty: a base layer
  std::string metadata = {};
  std::string mount_label = {};
  bool writable = true;
  WantedMaps maps = {};
  ProgressSink progress = {};  ///< reports ownership changes, if the parent has other maps
  std::stop_token stop = {};
};

/// Options of `Layers::import`; members without a comment are as in `LayerOptions`.
struct ImportOptions {
  std::string id = {};
  names::List names = {};
  Ref parent = "";
  std::string metadata = {};
  std::string mount_label = {};
  std::string claimed_digest = {};  ///< of the stream as given; else `Errc::digest_mismatch`
  ImportLimits limits = {};
  WantedMaps maps = {};
  ProgressSink progress = {};
  std::stop_token stop = {};
};

/// Options of `Item::apply`.
struct ApplyOptions {
  ImportLimits limits = {};
  ProgressSink progress = {};
  std::stop_token stop = {};
};

/// Options of `Item::diff`.
struct DiffOptions {
  Ref against = "";                             ///< empty: the parent
  std::optional<Compression> compression = {};  ///< unset: the compression of the imported stream
  ProgressSink progress = {};
  std::stop_token stop = {};
};

/// Options of `Images::create`.
struct ImageOptions {
  std::string id = {};
  names::List names = {};
  bool take_names =
      false;           ///< from the images that have them, as `add_names` does; else `Errc::duplicate_name`
  Ref top_layer = "";  ///< empty: an image without layers
  std::string digest = {};  ///< a digest under which `by_digest` finds it
  std::string metadata = {};
  std::optional<Timestamp> created = {};  ///< unset: now
  /// Pairs of key and bytes, stored with the record: nobody sees the image without them.
  std::vector<std::pair<std::string, std::string>> big_data = {};
};

/// Requests id maps that overlap with no other container's in the store. The lowest free ids are chosen from
/// the ranges that /etc/subuid and /etc/subgid delegate to a user; inside a user namespace, from the ids
/// mapped there.
struct AutoUserns {
  std::uint32_t size = 0;  ///< number of ids in each map; 0: as many as the image needs, within the bounds
  std::uint32_t initial_size = 0;  ///< lower bound if `size` is 0
  std::uint32_t min_size = 1024;
  std::uint32_t max_size = 65536;
  std::string user = "containers";
  IdMaps additional = {};     ///< fixed mappings; their ids are not chosen, and they are appended to the maps
  fs::path passwd_file = {};  ///< instead of the image's
  fs::path group_file = {};
  fs::path subuid_file = fs::path(idmap::subuid_file);
  fs::path subgid_file = fs::path(idmap::subgid_file);
};

/// Options of `Containers::create`.
struct ContainerOptions {
  std::string id = {};
  names::List names = {};
  std::string metadata = {};
  bool is_volatile = false;  ///< files need not survive a crash
  /// Id maps of the container. They are recorded whether its files are stored with them or the kernel maps
  /// the mount.
  IdMaps maps = {};
  /// Without an image: host ids where `maps` has no map, even if the store has default maps.
  bool host_uids = false;
  bool host_gids = false;
  std::optional<AutoUserns> auto_userns = {};  ///< instead of `maps`
  ProgressSink progress = {};                  ///< reports ownership changes
  std::stop_token stop = {};
};

/// Options of `Item::unmount`.
struct UnmountOptions {
  bool force = false;  ///< drop all mounts, not just one
};

/// Guards a deferred removal: the id may have been given to another item since the caller looked.
using ExpectedCreated = std::optional<Timestamp>;

/// Options of `Layers::remove`.
struct RemoveLayerOptions {
  ExpectedCreated expected_created = {};  ///< remove only if created then; else unknown
  bool force = false;  ///< also if children, images or containers still refer to it; they are left without it
};

/// Options of `Images::remove`.
struct RemoveImageOptions {
  ExpectedCreated expected_created = {};  ///< as for layers
  bool dry_run = false;                   ///< only return the layers that would be removed
  bool keep_layers = false;               ///< remove only the record and the big data
  bool force = false;                     ///< also if containers still use it; they are left without it
};

/// Options of `Containers::remove`.
struct RemoveContainerOptions {
  ExpectedCreated expected_created = {};  ///< as for layers
  bool force = false;                     ///< also if an image refers to its layer; it is left without it
};

/// Options of `Store::shutdown`.
struct ShutdownOptions {
  bool force = false;  ///< unmount first what is mounted, whichever process mounted it
};

}  // namespace strata

#pragma once

#include <strata/codec/codec.hpp>
#include <strata/id.hpp>
#include <strata/idmap/range.hpp>
#include <strata/idmap/subid.hpp>
#include <strata/progress.hpp>
#include <strata/records/names.hpp>
#include <strata/records/record.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

/// What the store's calls take: aggregates with defaults, called as `{.names = {"base"}}`.
namespace strata {

/// How much of an archive a store takes before it refuses with `Errc::over_budget`. Generous for any real layer;
/// a program that imports from strangers lowers them.
struct ImportLimits {
  /// Of the archive; and, apart from that, of all files with holes in it as they are once unpacked. Holes cost no space, but
  /// whoever reads or checks the files reads them.
  std::uint64_t plain_bytes = std::uint64_t{256} << 30;
  /// Plain bytes for each byte of a compressed input, once more than 1 GiB came out.
  std::uint64_t ratio = 1000;
  std::uint64_t entries = 10'000'000;
  std::uint64_t path_bytes = 4096;                      ///< of one name or link target
  std::uint64_t xattr_bytes = std::uint64_t{1} << 20;   ///< of one entry, keys and values
  std::uint64_t header_bytes = std::uint64_t{8} << 20;  ///< of one entry's extended headers
};

/// Whose ids the files of a new layer have. Nothing on a side: its parent's there, or the store's default without a parent;
/// an empty map: the host's.
struct WantedMaps {
  std::optional<IdMap> uids = {};
  std::optional<IdMap> gids = {};
};

struct LayerOptions {
  std::string id = {};  ///< empty: a random one
  names::List names = {};
  Ref parent = "";  ///< empty: a base layer
  std::string metadata = {};
  std::string mount_label = {};
  bool writable = true;
  WantedMaps maps = {};
  ProgressSink progress = {};  ///< of owners that change, if the parent's maps are others
  std::stop_token stop = {};
};

struct ImportOptions {
  std::string id = {};
  names::List names = {};
  Ref parent = "";
  std::string metadata = {};
  std::string mount_label = {};
  std::string claimed_digest = {};  ///< the stream's, as it comes; `Errc::digest_mismatch` if it has another
  ImportLimits limits = {};
  WantedMaps maps = {};
  ProgressSink progress = {};
  std::stop_token stop = {};
};

struct ApplyOptions {
  ImportLimits limits = {};
  ProgressSink progress = {};
  std::stop_token stop = {};
};

struct DiffOptions {
  Ref against = "";                             ///< empty: the parent
  std::optional<Compression> compression = {};  ///< none given: as the layer was imported
  ProgressSink progress = {};
  std::stop_token stop = {};
};

struct ImageOptions {
  std::string id = {};
  names::List names = {};
  Ref top_layer = "";       ///< empty: an image without files
  std::string digest = {};  ///< one to find it by
  std::string metadata = {};
  std::optional<Timestamp> created = {};  ///< none: now
};

/// Asks for maps to ids that no other container of the store has. The lowest that are free, of those that /etc/subuid and
/// /etc/subgid set staging for a user; in a user namespace, of those that it has.
struct AutoUserns {
  std::uint32_t size = 0;          ///< of both maps; 0: as the image needs, within the bounds
  std::uint32_t initial_size = 0;  ///< at least so many, when the size is not given
  std::uint32_t min_size = 1024;
  std::uint32_t max_size = 65536;
  std::string user = "containers";
  IdMaps additional = {};                  ///< of these ids nothing is chosen; they stand behind the others
  std::filesystem::path passwd_file = {};  ///< instead of the image's
  std::filesystem::path group_file = {};
  std::filesystem::path subuid_file = std::filesystem::path(idmap::subuid_file);
  std::filesystem::path subgid_file = std::filesystem::path(idmap::subgid_file);
};

struct ContainerOptions {
  std::string id = {};
  names::List names = {};
  std::string metadata = {};
  bool is_volatile = false;  ///< its files need not survive a crash
  /// Which ids of the host it runs with. The record has these maps, whether its files are stored or only shown with them.
  IdMaps maps = {};
  /// Without an image: the host's ids on a side without a map, even if the store has others as its default.
  bool host_uids = false;
  bool host_gids = false;
  std::optional<AutoUserns> auto_userns = {};  ///< instead of `maps`
  ProgressSink progress = {};                  ///< of owners that change
  std::stop_token stop = {};
};

struct UnmountOptions {
  bool force = false;  ///< give back all mounts at once
};

/// For those who decided upon a removal some time ago: an id may have been given to another item since.
using ExpectedCreated = std::optional<Timestamp>;

struct RemoveLayerOptions {
  ExpectedCreated expected_created = {};  ///< only the one that was made then; another is unknown
  bool force = false;                     ///< leaves children, images and containers behind that lack it
};

struct RemoveImageOptions {
  ExpectedCreated expected_created = {};  ///< as for layers
  bool dry_run = false;                   ///< only tell which layers would go
  bool keep_layers = false;               ///< remove the record and the big data alone
  bool force = false;                     ///< leaves containers behind that lack it
};

struct RemoveContainerOptions {
  ExpectedCreated expected_created = {};  ///< as for layers
  bool force = false;                     ///< leaves images behind that lack its layer
};

struct ShutdownOptions {
  bool force = false;  ///< unmount what is mounted first
};

}  // namespace strata

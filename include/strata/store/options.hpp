#pragma once

#include <strata/codec/codec.hpp>
#include <strata/id.hpp>
#include <strata/item/names.hpp>
#include <strata/item/record.hpp>
#include <strata/progress.hpp>
#include <strata/timestamp.hpp>

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

/// What the store's calls take: aggregates with defaults, called as `{.names = {"base"}}`.
namespace strata {

/// How much of an archive a store takes before it refuses with `Errc::over_budget`. Generous for any real layer;
/// a program that imports from strangers lowers them.
struct ImportLimits {
  std::uint64_t plain_bytes = std::uint64_t{256} << 30;
  /// Plain bytes for each byte of a compressed input, once more than 1 GiB came out.
  std::uint64_t ratio = 1000;
  std::uint64_t entries = 10'000'000;
  std::uint64_t path_bytes = 4096;                      ///< of one name or link target
  std::uint64_t xattr_bytes = std::uint64_t{1} << 20;   ///< of one entry, keys and values
  std::uint64_t header_bytes = std::uint64_t{8} << 20;  ///< of one entry's extended headers
};

struct LayerOptions {
  std::string id = {};  ///< empty: a random one
  names::List names = {};
  Ref parent = "";  ///< empty: a base layer
  std::string metadata = {};
  std::string mount_label = {};
  bool writable = true;
};

struct ImportOptions {
  std::string id = {};
  names::List names = {};
  Ref parent = "";
  std::string metadata = {};
  std::string mount_label = {};
  std::string claimed_digest = {};  ///< the stream's, as it comes; `Errc::digest_mismatch` if it has another
  ImportLimits limits = {};
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

struct ContainerOptions {
  std::string id = {};
  names::List names = {};
  std::string metadata = {};
  bool is_volatile = false;  ///< its files need not survive a crash
};

struct UnmountOptions {
  bool force = false;  ///< give back all mounts at once
};

struct RemoveLayerOptions {
  bool even_if_used = false;  ///< leaves children, images and containers behind that lack it
};

struct RemoveImageOptions {
  bool dry_run = false;       ///< only tell which layers would go
  bool keep_layers = false;   ///< remove the record and the big data alone
  bool even_if_used = false;  ///< leaves containers behind that lack it
};

struct RemoveContainerOptions {
  bool even_if_used = false;  ///< leaves images behind that lack its layer
};

struct ShutdownOptions {
  bool force = false;  ///< unmount what is mounted first
};

}  // namespace strata

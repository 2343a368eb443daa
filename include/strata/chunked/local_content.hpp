#pragma once

#include <strata/bodies.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/names.hpp>
#include <strata/separate.hpp>
#include <strata/store/chunked_keys.hpp>
#include <strata/sys/fd.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

/// Finds contents that a store already has, through the tables of contents that layers from zstd:chunked
/// streams keep: in the store's own layers and in read-only stores.
namespace strata {

/// A range of bytes in a file of a layer.
struct LocalPlace {
  fs::path tree;     ///< root of the layer's own tree
  std::string path;  ///< relative to `tree`
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Opens the file; none if it is missing, not a regular file, or too short.
std::optional<sys::Fd> open_place(LocalPlace const& place);

/// Digest of the bytes; none if they cannot be read.
std::optional<Digest> digest_of_place(LocalPlace const& place, Control const& control);

/// Index from digests to places in the store, for whole files and chunks.
class LocalContent {
 public:
  void want_file(std::string const& digest) { files_.try_emplace(digest); }
  void want_chunk(std::string const& digest) { chunks_.try_emplace(digest); }

  /// Searches all layers for the wanted digests; keeps the first few places of each. Reads every table of
  /// contents in the store, some 300 bytes per file. Holds no lock; removed layers and damaged tables are
  /// skipped.
  template <class Core>
  void search(Core& core, Control const& control) {
    if (!has_own_trees(core.driver())) return;
    using Traits = typename Core::LayerTraits;
    std::vector<std::pair<std::string, fs::path>> tables;
    core.template read_view<Traits>().each([&](auto const& row, auto const& place) {
      if (names::contains(row->big_data_names, std::string(chunked_manifest_key)) &&
          is_safe_component(row->id))
        tables.emplace_back(row->id, place.directory / row->id / big_data_file_name(chunked_manifest_key));
    });
    for (auto const& [id, path] : tables) {
      control.check();
      auto const tree = own_tree_of(core.driver(), LayerId(id));
      auto const table = tree ? read_if_readable(path) : std::nullopt;
      if (table) note(*table, tree->path);
    }
  }

  std::span<LocalPlace const> file(std::string const& digest) const { return places(files_, digest); }
  std::span<LocalPlace const> chunk(std::string const& digest) const { return places(chunks_, digest); }

 private:
  using Places = std::unordered_map<std::string, std::vector<LocalPlace>>;
  static constexpr std::size_t most_places = 4;  // the first may have been modified since

  static std::span<LocalPlace const> places(Places const& all, std::string const& digest);
  static std::optional<std::string> read_if_readable(fs::path const& path);

  void note(std::string_view table, fs::path const& tree);

  Places files_ = {};
  Places chunks_ = {};
};

}  // namespace strata

#ifndef STRATA_SEPARATE_COMPILATION
#include <strata/impl/chunked/local_content.ipp>
#endif

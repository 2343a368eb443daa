#pragma once

#include <strata/chunked/chunked_toc.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/concepts/own_tree_driver.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/id.hpp>
#include <strata/records/big_data.hpp>
#include <strata/records/names.hpp>
#include <strata/store/chunked_keys.hpp>
#include <strata/sys/fd.hpp>
#include <strata/sys/file.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
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
inline std::optional<sys::Fd> open_place(LocalPlace const& place) {
  sys::Fd const root = sys::try_open_at(AT_FDCWD, place.tree.c_str(), O_PATH | O_DIRECTORY);
  if (!root) return std::nullopt;
  sys::Fd file = sys::try_open_in_root(root.get(), place.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  auto const size = static_cast<std::uint64_t>(status.st_size);
  if (place.offset > size || place.size > size - place.offset) return std::nullopt;
  return file;
}

/// Digest of the bytes; none if they cannot be read.
inline std::optional<Digest> digest_of_place(LocalPlace const& place, Control const& control) {
  auto const file = open_place(place);
  if (!file) return std::nullopt;
  Hasher hasher;
  std::array<std::byte, 65536> buffer;
  for (auto at = place.offset, end = place.offset + place.size; at < end;) {
    control.check();
    auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(end - at, buffer.size()));
    auto const n =
        sys::retry([&] { return ::pread(file->get(), buffer.data(), wanted, static_cast<off_t>(at)); });
    if (n <= 0) return std::nullopt;
    hasher.update(Bytes(buffer).first(static_cast<std::size_t>(n)));
    at += static_cast<std::uint64_t>(n);
  }
  return hasher.finish();
}

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

  static std::span<LocalPlace const> places(Places const& all, std::string const& digest) {
    auto const found = all.find(digest);
    return found == all.end() ? std::span<LocalPlace const>() : found->second;
  }
  static std::optional<std::string> read_if_readable(fs::path const& path) {
    try {
      return sys::read_stored(path);
    } catch (std::system_error const&) {
      return std::nullopt;
    }
  }

  void note(std::string_view table, fs::path const& tree) {
    auto const add = [&](Places& places, std::string const& digest, archive::ChunkedEntry const& entry,
                         std::uint64_t offset, std::uint64_t size) {
      auto const wanted = digest.empty() ? places.end() : places.find(digest);
      if (wanted == places.end() || wanted->second.size() == most_places) return;
      wanted->second.push_back(
          {.tree = tree, .path = archive::path_in_tree(entry.header.name), .offset = offset, .size = size});
    };
    try {
      archive::read_chunked_toc(table, {}, [&](archive::ChunkedEntry&& entry) {
        if (entry.pieces.empty()) return;
        add(files_, entry.digest, entry, 0, static_cast<std::uint64_t>(entry.header.size));
        for (auto const& piece : entry.pieces)
          add(chunks_, piece.digest, entry, piece.file_offset, piece.plain_size);
      });
    } catch (Error const&) {
      return;  // entries read so far are verified before use
    }
  }

  Places files_ = {};
  Places chunks_ = {};
};

}  // namespace strata

#pragma once

#include <strata/chunked/chunked_toc.hpp>
#include <strata/chunked/local_content.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/sys/file.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>

namespace strata {

STRATA_INLINE std::optional<sys::Fd> open_place(LocalPlace const& place) {
  sys::Fd const root = sys::try_open_at(AT_FDCWD, place.tree.c_str(), O_PATH | O_DIRECTORY);
  if (!root) return std::nullopt;
  sys::Fd file = sys::try_open_in_root(root.get(), place.path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  auto const size = static_cast<std::uint64_t>(status.st_size);
  if (place.offset > size || place.size > size - place.offset) return std::nullopt;
  return file;
}

STRATA_INLINE std::optional<Digest> digest_of_place(LocalPlace const& place, Control const& control) {
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

STRATA_INLINE std::span<LocalPlace const> LocalContent::places(Places const& all, std::string const& digest) {
  auto const found = all.find(digest);
  return found == all.end() ? std::span<LocalPlace const>() : found->second;
}

STRATA_INLINE std::optional<std::string> LocalContent::read_if_readable(fs::path const& path) {
  try {
    return sys::read_stored(path);
  } catch (std::system_error const&) {
    return std::nullopt;
  }
}

STRATA_INLINE void LocalContent::note(std::string_view table, fs::path const& tree) {
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

}  // namespace strata

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/sys/stream.hpp>

#include "operation.hpp"
#include "random_commands/random.hpp"
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

/// Archives and file contents by chance.
namespace crash_recovery {

using random_commands::Random;

/// Mostly small, now and then of many blocks.
inline std::string random_content(Random& random) {
  auto const size = random.percent(6) ? 20'000 + random.below(200'000) : random.below(6'000);
  auto const seed = random.below(~std::size_t{0});
  std::string out(size, '\0');
  std::uint64_t at = seed | 1U;
  for (auto& c : out) {
    at = at * 6364136223846793005ULL + 1442695040888963407ULL;
    c = static_cast<char>(at >> 56U);
  }
  return out;
}

struct Archive {
  std::shared_ptr<std::string const> tar;
  Files files;  ///< what it changes
};

/// @param below    what is there to be hidden
/// @param instead  of these it has newer ones
inline Archive random_archive(Random& random, Files const& below, Files const& instead = {}) {
  using strata::archive::EntryType;
  auto const bytes = std::make_shared<std::string>();
  strata::Sink sink = strata::string_sink(*bytes);
  strata::archive::TarWriter tar(sink);
  Archive out;
  std::set<std::string> directories;
  auto const add = [&](std::string const& name, EntryType type, std::string const& content = {},
                       std::string const& link = {}) {
    strata::archive::TarHeader header{.name = name, .mode = type == EntryType::directory ? 0755U : 0644U};
    header.type = type;
    header.link_name = link;
    header.uid = name.back() % 2 == 0 ? 1000 : 0;
    header.gid = header.uid;
    header.size = static_cast<std::int64_t>(content.size());
    header.mtime.seconds = 1'600'000'000 + static_cast<std::int64_t>(out.files.size());
    strata::Source body = strata::memory_source(content);
    tar.add(header, type == EntryType::regular ? &body : nullptr);
  };
  auto const directory_of = [&](std::string const& path) {
    auto const directory = path.substr(0, path.find('/') + 1);
    if (!directory.empty() && directories.insert(directory).second) add(directory, EntryType::directory);
  };
  std::set<std::string> gone;
  if (!below.empty() && random.percent(25)) {  // a directory goes
    auto const path =
        std::next(below.begin(), static_cast<std::ptrdiff_t>(random.below(below.size())))->first;
    gone.insert(path.substr(0, path.find('/') + 1));
    auto const name = gone.begin()->substr(0, gone.begin()->size() - 1);
    add(".wh." + name, EntryType::regular);
    out.files[*gone.begin()] = std::nullopt;
  }
  for (auto const& [path, hash] : below) {  // files go
    auto const slash = path.find('/');
    if (gone.contains(path.substr(0, slash + 1)) || !random.percent(12)) continue;
    directory_of(path);
    add(path.substr(0, slash + 1) + ".wh." + path.substr(slash + 1), EntryType::regular);
    out.files[path] = std::nullopt;
  }
  for (auto const& [path, hash] : instead) {
    directory_of(path);
    auto const content = random_content(random);
    add(path, EntryType::regular, content);
    out.files[path] = hash_of(content);
  }
  for (auto n = random.below(12) + 1; n > 0; --n) {
    auto const directory = "d" + std::to_string(random.below(3)) + '/';
    auto const path = directory + "f" + std::to_string(random.below(8));
    if (gone.contains(directory) || out.files.contains(path)) continue;
    directory_of(path);
    if (random.percent(10)) {
      add(path, EntryType::symlink, {}, "nowhere/" + std::to_string(n));
      out.files[path] = "link to nowhere/" + std::to_string(n);
      continue;
    }
    auto const content = random_content(random);
    add(path, EntryType::regular, content);
    // With the owner of its target, or another.
    if (auto const twin = path + (random.percent(50) ? "+1" : "+2");
        !out.files.contains(twin) && random.percent(10)) {
      add(twin, EntryType::hard_link, {}, path);
      out.files[twin] = hash_of(content);
    }
    out.files[path] = hash_of(content);
  }
  tar.finish();
  out.tar = bytes;
  return out;
}

}  // namespace crash_recovery

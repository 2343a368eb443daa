#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/archive/whiteout.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/sys/stream.hpp>
#include <strata/tree/tree_path.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

/// Random chains of layers: small names that meet often, and all that an archive may hold.
namespace layer_chains {

using strata::archive::EntryType;
using strata::archive::TarHeader;

struct Entry {
  TarHeader header;
  std::string bytes = {};
};
using Layer = std::vector<Entry>;
using Chain = std::vector<Layer>;

inline std::string tar_of(Layer const& layer) {
  std::string out;
  strata::Sink sink = strata::string_sink(out);
  strata::archive::TarWriter writer(sink);
  for (auto const& entry : layer) {
    auto body = strata::memory_source(entry.bytes);
    writer.add(entry.header, entry.header.type == EntryType::regular ? &body : nullptr);
  }
  writer.finish();
  return out;
}

inline std::string text_of(Chain const& chain) {
  std::ostringstream out;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    out << "  layer " << i + 1 << '\n';
    for (auto const& [header, bytes] : chain[i]) {
      out << "    " << static_cast<char>(header.type) << " \"" << header.name << '"';
      if (!header.link_name.empty()) out << " -> \"" << header.link_name << '"';
      if (!bytes.empty()) out << ' ' << bytes.size() << " bytes";
      out << " mode 0" << std::oct << header.mode << std::dec << ' ' << header.uid << ':' << header.gid
          << " time " << header.mtime.seconds << (header.xattrs.empty() ? "" : ", attributes") << '\n';
    }
  }
  return out.str();
}

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  Chain chain() {
    Chain chain(1 + below(4));
    for (auto& layer : chain) layer = this->layer();
    return chain;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <std::size_t N, class T>
  T pick(std::array<T, N> const& from) {
    return from[below(N)];
  }

  Layer layer() {
    Layer layer;
    names_.clear();
    std::set<std::string> seen;
    for (auto left = 1 + below(9); left > 0; --left) {
      auto made = entry();
      // Most archives name nothing twice; those that do are refused.
      if (!seen.insert(strata::archive::path_in_tree(made.header.name)).second && !chance(2)) continue;
      auto const type = made.header.type;
      bool const is_sign = strata::archive::is_whiteout(strata::archive::TreePath(made.header.name).base);
      if (type != EntryType::directory && type != EntryType::hard_link && !is_sign)
        names_.push_back(made.header.name);
      layer.push_back(std::move(made));
    }
    if (chance(25)) std::shuffle(layer.begin(), layer.end(), random_);
    if (chance(15)) std::reverse(layer.begin(), layer.end());
    return layer;
  }

  std::string name() {
    static std::array<std::string, 5> const parts{"a", "b", "c", "d", "lib"};
    if (chance(1)) return std::string(200, 'n');
    if (chance(1))
      return "gr\xC3\xB6\xC3\x9F"
             "e \n";
    if (chance(1)) return ".wh..wh.plnk";
    return pick(parts);
  }
  /// Names of files are mostly others than those of directories, so that most archives can be unpacked.
  std::string leaf() {
    static std::array<std::string, 3> const leaves{"x", "y", "f"};
    return chance(75) ? pick(leaves) : name();
  }
  std::string directory() {
    std::string path = name();
    for (auto deeper = below(2); deeper > 0; --deeper) path += '/' + name();
    return path;
  }
  std::string path() {
    if (chance(20)) return directory();
    return (chance(30) ? std::string() : directory() + '/') + leaf();
  }
  std::string decorated(std::string const& path) {
    static std::array<std::string, 6> const before{"./", "/", "//", ".//", "x/../", "../"};
    return chance(25) ? pick(before) + path : path;
  }

  Entry entry() {
    static std::array<std::uint32_t, 8> const modes{0644, 0755, 04755, 02755, 01777, 0, 0600, 02700};
    static std::array<std::int64_t, 5> const owners{0, 0, 1000, 65534, 100'000};
    static std::array<std::int64_t, 6> const times{1'600'000'000, 1'600'000'000, 0, -5,
                                                   4'000'000'000, 60'000'000'000};
    Entry made{{.mode = pick(modes), .uid = pick(owners), .gid = pick(owners)}};
    auto& header = made.header;
    header.mtime.seconds = pick(times);
    header.name = decorated(path());
    auto const kind = below(100);
    if (kind < 33) {
      static std::array<std::size_t, 4> const sizes{0, 1, 10, 5000};
      made.bytes.assign(pick(sizes), static_cast<char>('a' + below(26)));
      header.size = static_cast<std::int64_t>(made.bytes.size());
    } else if (kind < 48) {
      header.type = EntryType::directory;
      header.name = decorated(directory()) + '/';
      if (chance(5)) header.name = "./";
    } else if (kind < 60) {
      header.type = EntryType::symlink;
      static std::array<std::string, 7> const before{"", "/", "../", "./", "../../", "b/../", "/a/c/../"};
      header.link_name = chance(5) ? header.name : pick(before) + (chance(70) ? directory() : path());
      if (chance(50)) header.name = decorated(chance(50) ? name() : directory());
    } else if (kind < 72) {
      header.type = EntryType::hard_link;
      header.link_name = names_.empty() || chance(8) ? decorated(path()) : names_[below(names_.size())];
      if (chance(2)) header.link_name = header.name;
    } else if (kind < 87) {
      header.name = decorated(strata::archive::whiteout_path(path()));
    } else if (kind < 94) {
      header.name =
          (chance(15) ? std::string() : path() + '/') + std::string(strata::archive::whiteout_opaque);
    } else if (kind < 97) {
      header.type = EntryType::fifo;
    } else {
      header.type = chance(50) ? EntryType::char_device : EntryType::block_device;
      header.dev_major = static_cast<std::uint32_t>(1 + below(300));
      header.dev_minor = static_cast<std::uint32_t>(below(300));
    }
    bool const takes = header.type == EntryType::regular || header.type == EntryType::directory;
    if (takes && chance(5)) header.xattrs = {{"user.a", "1"}};
    return made;
  }

  std::mt19937_64 random_;
  std::vector<std::string> names_ = {};
};

}  // namespace layer_chains

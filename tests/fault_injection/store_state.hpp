#pragma once

#include <strata/codec/gzip.hpp>
#include <strata/concepts/bytes.hpp>
#include <strata/digest.hpp>
#include <strata/error.hpp>
#include <strata/fs.hpp>
#include <strata/paths.hpp>
#include <strata/records/big_data.hpp>
#include <strata/sys/stream.hpp>

#include <boost/filesystem/fstream.hpp>
#include <boost/json.hpp>

#include "program.hpp"
#include <algorithm>
#include <cstdint>
#include <ctime>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <vector>

/// What a store holds, read from its files by other means than the library's: for comparing two stores.
namespace fault_injection {

namespace fs = boost::filesystem;
namespace json = boost::json;

/// Where a store's files are.
struct Place {
  fs::path graph;
  fs::path run;
  std::string driver;

  fs::path records(std::string_view kind) const {
    return graph / (driver + '-' + std::string(kind)) / (std::string(kind) + ".json");
  }
  /// Directory of what the driver keeps of a layer.
  fs::path layer(std::string const& id) const {
    if (driver == "overlay") return graph / "overlay" / id;
    return driver == "vfs" ? graph / "vfs/dir" / id : graph / "btrfs/subvolumes" / id;
  }
  fs::path tree(std::string const& id) const { return driver == "overlay" ? layer(id) / "diff" : layer(id); }
};

inline std::string contents(fs::path const& path) {
  fs::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What is to be compared, under names that tell where two states differ.
using State = std::map<std::string, std::string>;

/// Reads a state. Names that are new each time (of containers' layers, of links), times of creation, and times after `now`
/// are left out.
class StateReader {
 public:
  StateReader(Place place, std::time_t now) : place_(std::move(place)), now_(now) {}

  State read() {
    out_.clear();
    known_.clear();
    auto const containers = list("containers");
    for (auto const& one : containers) known_[text(one, "layer")] = "the layer of " + text(one, "id");
    for (auto const& one : list("layers")) layer(one);
    for (auto const& one : list("images")) item("image", one, place_.records("images").parent_path());
    for (auto const& one : containers) item("container", one, place_.records("containers").parent_path());
    mounts();
    return out_;
  }

  /// Every file below the graph root but those in layers' trees, how often each name is there.
  std::map<std::string, int> files() {
    std::map<std::string, int> out;
    if (out_.empty()) read();
    for (fs::recursive_directory_iterator at(place_.graph), end; at != end; ++at) {
      auto name = at->path().lexically_relative(place_.graph).native();
      for (auto const& [id, known] : known_)
        if (auto const found = name.find(id); found != name.npos) name.replace(found, id.size(), known);
      if (name.starts_with("overlay/l/")) name = "overlay/l/*";
      // gc takes temporary files once they are an hour old: until then somebody may be writing them
      if (!strata::paths::is_temporary(at->path().filename().native())) ++out[name];
      auto const is_tree = place_.driver == "overlay"
                               ? at->path().filename() == "diff" || at->path().filename() == "work"
                               : at->path().parent_path() == place_.layer("x").parent_path();
      if (is_tree && fs::is_directory(at->status())) at.disable_recursion_pending();
    }
    return out;
  }

  /// Of every file of the store what shows that it was changed; of directories, that they are there. Where it is the same,
  /// nothing was changed.
  std::string print() const {
    std::string out;
    for (auto const& top : {place_.graph, place_.run})
      for (fs::recursive_directory_iterator at(top, fs::directory_options::none, none_), end; at != end;
           at.increment(none_)) {
        struct stat about {};
        ::lstat(at->path().c_str(), &about);
        out += at->path().native() + ' ' + std::to_string(about.st_ino) + ' ' + std::to_string(about.st_mode);
        if (!S_ISDIR(about.st_mode))
          out += ' ' + std::to_string(about.st_size) + ' ' + std::to_string(about.st_ctim.tv_sec) + '.' +
                 std::to_string(about.st_ctim.tv_nsec);
        out += '\n';
        if (at->path().filename() == "merged") at.disable_recursion_pending();
      }
    fs::ifstream table("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);)
      if (line.find(place_.graph.native() + '/') != line.npos && line.find("/merged ") != line.npos)
        out += line + '\n';
    return out;
  }

 private:
  static std::string text(json::object const& record, std::string_view key) {
    auto const* found = record.if_contains(key);
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
  }

  std::vector<json::object> list(std::string_view kind) {
    std::vector<json::object> out;
    auto const path = place_.records(kind);
    auto const bytes = contents(path);
    if (bytes.empty()) return out;
    boost::system::error_code error;
    auto const parsed = json::parse(bytes, error);
    if (error || !parsed.is_array()) {
      out_["records of " + std::string(kind)] = "damaged: " + bytes;
      return out;
    }
    for (auto const& one : parsed.as_array()) out.push_back(one.as_object());
    return out;
  }

  std::string known(std::string const& id) const {
    auto const found = known_.find(id);
    return found == known_.end() ? id : found->second;
  }

  std::string record_text(json::object record) const {
    record.erase("created");
    for (auto const* key : {"id", "parent", "layer"})
      if (auto* found = record.if_contains(key)) *found = known(std::string(found->as_string()));
    std::map<std::string, std::string> sorted;
    for (auto const& [key, value] : record) sorted[std::string(key)] = json::serialize(value);
    std::string out;
    for (auto const& [key, value] : sorted) out += key + '=' + value + ' ';
    return out;
  }

  void item(std::string const& kind, json::object const& record, fs::path const& directory) {
    auto const id = text(record, "id"), name = kind + ' ' + id;
    out_[name] += record_text(record);
    if (auto const* keys = record.if_contains("big-data-names"); keys != nullptr && keys->is_array())
      for (auto const& key : keys->as_array()) {
        auto const file = strata::big_data_file_name(std::string_view(key.as_string()));
        out_[name + " data " + file] = contents(directory / id / file);
      }
  }

  void layer(json::object const& record) {
    auto const id = text(record, "id"), name = "layer " + known(id);
    out_[name] += record_text(record);
    auto const layers = place_.records("layers").parent_path();
    if (fs::exists(layers / (id + ".tar-split.gz")))
      out_[name + " tar-split"] = lines_of(contents(layers / (id + ".tar-split.gz")));
    if (place_.driver == "overlay") {
      out_[name + " lower"] = lower(id);
      auto const link = contents(place_.layer(id) / "link");
      bool const leads = fs::exists(place_.graph / "overlay/l" / link) &&
                         fs::equivalent(place_.graph / "overlay/l" / link, place_.tree(id));
      out_[name + " link"] = link.empty() || !leads ? "lost" : "there";
    }
    tree(name + ' ', place_.tree(id), {});
  }

  /// What is compressed in it: ISA-L has been seen to find one match less, once in some ten thousand times, which makes a file
  /// of the same length with other bytes and the same lines.
  static std::string lines_of(std::string const& gz) {
    try {
      std::string out;
      auto lines = strata::codec::Gzip::decompress(strata::memory_source(gz));
      for (strata::Bytes some; !(some = lines.next()).empty();) out += strata::as_text(some);
      return out;
    } catch (strata::Error const& error) {
      return error.what() + (": " + gz);
    }
  }

  /// Layers below, by the links that overlay keeps of them.
  std::string lower(std::string const& id) const {
    std::string out;
    auto const bytes = contents(place_.layer(id) / "lower");
    for (std::size_t at = 0; at < bytes.size();) {
      auto const end = std::min(bytes.find(':', at), bytes.size());
      boost::system::error_code none;
      auto const target = fs::canonical(place_.graph / "overlay" / bytes.substr(at, end - at), none);
      out += (target.empty() ? "lost" : known(target.parent_path().filename().native())) + ' ';
      at = end + 1;
    }
    return out;
  }

  void tree(std::string const& name, fs::path const& path, std::string const& below) {
    struct stat about {};
    if (::lstat(path.c_str(), &about) != 0) {
      out_[name + '/' + below] = "lost";
      return;
    }
    std::string line = std::to_string(about.st_mode) + ' ' + std::to_string(about.st_uid) + ':' +
                       std::to_string(about.st_gid) + ' ';
    line += about.st_mtim.tv_sec >= now_
                ? "now"
                : std::to_string(about.st_mtim.tv_sec) + '.' + std::to_string(about.st_mtim.tv_nsec);
    if (S_ISREG(about.st_mode)) line += " links " + std::to_string(about.st_nlink) + ' ' + contents(path);
    if (S_ISLNK(about.st_mode)) line += " -> " + fs::read_symlink(path).native();
    if (S_ISCHR(about.st_mode)) line += " device " + std::to_string(about.st_rdev);
    out_[name + '/' + below] = line + attributes(path);
    if (!S_ISDIR(about.st_mode)) return;
    for (auto const& file : fs::directory_iterator(path))
      tree(name, file.path(), below + '/' + file.path().filename().native());
  }

  static std::string attributes(fs::path const& path) {
    std::array<char, 4096> names, value;
    auto const size = ::llistxattr(path.c_str(), names.data(), names.size());
    std::map<std::string, std::string> sorted;
    for (ssize_t at = 0; at < size;) {
      std::string const name = names.data() + at;
      auto const n = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
      // overlayfs's own notes about a directory that was mounted
      if (n >= 0 && name != "trusted.overlay.origin" && name != "trusted.overlay.impure" &&
          name != "trusted.overlay.uuid")
        sorted[name] = std::string(value.data(), static_cast<std::size_t>(n));
      at += static_cast<ssize_t>(name.size()) + 1;
    }
    std::string out;
    for (auto const& [name, text] : sorted) out += ' ' + name + '=' + text;
    return out;
  }

  /// How often each layer is mounted by the store's count, and whether the kernel says so too. A count alone means nothing.
  void mounts() {
    auto const path = place_.run / (place_.driver + "-layers") / "mountpoints.json";
    auto const bytes = contents(path);
    boost::system::error_code error;
    auto const parsed = json::parse(bytes.empty() ? "[]" : bytes, error);
    if (error || !parsed.is_array()) {
      out_["mounts"] = "damaged: " + bytes;
      return;
    }
    std::map<std::string, int> mounted;
    fs::ifstream table("/proc/self/mountinfo");
    for (std::string line; std::getline(table, line);)
      if (auto const at = line.find(place_.graph.native() + '/'); at != line.npos) {
        auto const point = fs::path(line.substr(at, line.find(' ', at) - at));
        if (point.filename() == "merged") ++mounted[known(point.parent_path().filename().native())];
      }
    for (auto const& [id, times] : mounted) out_["mounted " + id] = std::to_string(times);
    for (auto const& one : parsed.as_array()) {
      auto const id = known(text(one.as_object(), "id"));
      if (place_.driver != "overlay" || mounted.contains(id))
        out_["mounted " + id] += " count " + json::serialize(one.at("count"));
    }
  }

  Place place_;
  std::time_t now_;
  mutable boost::system::error_code none_ = {};
  State out_ = {};
  std::map<std::string, std::string> known_ = {};  ///< ids of containers' layers, which are new each time
};

/// But for what is mounted.
inline State without_mounts(State state) {
  std::erase_if(state, [](auto const& entry) { return entry.first.starts_with("mounted "); });
  return state;
}

/// A text, or how many bytes a file has that is none, and its first ones; all of them are kept in /var/tmp/strata-fault.
inline std::string shown(std::string const& text) {
  auto const is_text = [](unsigned char c) { return c == '\n' || (c >= 0x20 && c != 0x7f); };
  if (std::ranges::all_of(text, is_text)) return text;
  auto const digest = strata::Digest::of(strata::as_bytes(text));
  fs::path const kept = "/var/tmp/strata-fault";
  fs::create_directories(kept);
  fs::ofstream(kept / digest.hex(), std::ios::binary) << text;
  std::string out = std::to_string(text.size()) + " bytes, " + digest.str();
  for (unsigned char const c : text.substr(0, 16))
    out += (std::string(" ") += "0123456789abcdef"[c >> 4U]) += "0123456789abcdef"[c & 15U];
  return out;
}

/// Where two states differ; empty if nowhere.
inline std::string difference(State const& wanted, State const& found) {
  std::string out;
  int lines = 0;
  auto const line = [&](std::string const& text) {
    if (++lines <= 6) out += "      " + text.substr(0, 240) + '\n';
  };
  for (auto const& [name, text] : wanted) {
    auto const at = found.find(name);
    if (at == found.end())
      line(name + ": missing");
    else if (at->second != text)
      line(name + ": wanted " + shown(text) + ", found " + shown(at->second));
  }
  for (auto const& [name, text] : found)
    if (!wanted.contains(name)) line(name + ": not wanted: " + shown(text));
  return out;
}

}  // namespace fault_injection

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_writer.hpp>
#include <strata/codec/all.hpp>
#include <strata/fs.hpp>
#include <strata/sys/stream.hpp>

#include <boost/filesystem/fstream.hpp>

#include "edit.hpp"
#include "random.hpp"
#include <cstdlib>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace random_commands {

/// Files that commands read: layers as archives, and data of every kind.
struct Inputs {
  std::vector<std::string> layers = {};   ///< paths of archives that can be unpacked
  std::vector<std::string> damaged = {};  ///< and of those that can't
  std::vector<std::string> data = {};     ///< paths of other files, small, some empty or binary
  std::vector<std::string> to_copy = {};  ///< paths of files and directories
};

/// Makes them. Archives work on few paths, so that layers on each other replace, extend and remove what is there.
class InputMaker {
 public:
  InputMaker(strata::fs::path directory, Random& random)
      : directory_(std::move(directory)), random_(random) {}

  Inputs make() {
    strata::fs::create_directories(directory_);
    Inputs inputs;
    constexpr std::string_view endings[] = {"", "", "", ".gz", ".gz", ".zst", ".bz2", ".xz"};
    for (int i = 0; i < 40; ++i) {
      auto const archive = make_archive();
      auto const ending = random_.pick(endings);
      inputs.layers.push_back(
          keep("layer" + std::to_string(i) + ".tar" + std::string(ending), compressed(archive, ending)));
    }
    inputs.layers.push_back(keep("blank.tar", std::string(10240, '\0')));
    inputs.layers.push_back(keep("empty", ""));
    inputs.damaged.push_back(keep("noise", random_.bytes(3000)));
    inputs.damaged.push_back(keep("cut.tar", "x" + std::string(400, 'y')));
    for (auto const* text : {"", "x", "two\nlines\n", "no newline <&>\xe2\x80\xa8", "{\"schemaVersion\":2}",
                             "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:00\"}}\n", "\xff\xfe\x00"})
      inputs.data.push_back(keep("data" + std::to_string(inputs.data.size()), text));
    inputs.data.push_back(keep("large", random_.bytes(70'000)));
    inputs.to_copy = {keep("one", "one"), make_tree("tree"), make_tree("other")};
    set_owner_and_time(inputs.to_copy.front());
    return inputs;
  }

 private:
  using Type = strata::archive::EntryType;

  std::string keep(std::string const& name, std::string const& content) {
    auto path = (directory_ / name).native();
    strata::fs::ofstream(path, std::ios::binary) << content;
    return path;
  }

  /// A small tree on the host.
  std::string make_tree(std::string const& name) {
    auto const top = directory_ / name;
    std::vector<strata::fs::path> directories{top};
    strata::fs::create_directory(top);
    for (auto left = 6 + random_.below(6); left > 0; --left) {
      auto const at = directories[random_.below(directories.size())] / component();
      if (strata::fs::exists(strata::fs::symlink_status(at))) continue;
      if (auto const kind = random_.below(100); kind < 40) {
        strata::fs::create_directory(at);
        directories.push_back(at);
      } else if (kind < 85) {
        strata::fs::ofstream(at, std::ios::binary) << content();
        set_owner_and_time(at);
      } else {
        strata::fs::create_symlink("../" + component(), at);
        set_owner_and_time(at);
      }
    }
    std::ranges::sort(directories, std::greater());
    for (auto const& directory : directories) set_owner_and_time(directory);
    return top.native();
  }
  void set_owner_and_time(strata::fs::path const& path) {
    constexpr unsigned owners[] = {0, 0, 1000, 1001};
    if (::lchown(path.c_str(), random_.pick(owners), random_.pick(owners)) != 0)
      throw std::runtime_error("lchown");
    detail::set_time(path.native(), 1'400'000'000 + static_cast<std::int64_t>(random_.below(100'000'000)));
  }

  static std::string compressed(std::string const& plain, std::string_view ending) {
    using namespace strata::codec;
    std::string out;
    auto const compression = ending == ".gz"    ? Compression::gzip
                             : ending == ".zst" ? Compression::zstd
                                                : Compression::none;
    if (ending == ".bz2" || ending == ".xz") return by_tool(plain, ending == ".xz" ? "xz" : "bzip2");
    auto encoder = All::compress(compression, strata::string_sink(out));
    encoder->write(strata::as_bytes(plain));
    encoder->finish();
    return out;
  }
  /// What the library reads but does not write.
  static std::string by_tool(std::string const& plain, std::string const& tool) {
    std::string name = "/tmp/strata-archive-XXXXXX";
    int const fd = ::mkstemp(name.data());
    if (fd < 0) return plain;
    strata::sys::write_all(fd, strata::as_bytes(plain));
    ::close(fd);
    std::string out;
    if (std::system((tool + " -c " + name + " >" + name + ".out").c_str()) == 0)
      out = strata::sys::read_file(name + ".out");
    strata::fs::remove(name);
    strata::fs::remove(name + ".out");
    return out.empty() ? plain : out;
  }

  std::string component() {
    static std::vector<std::string> const names{"a",   "b",   "c", "d",        "etc",
                                                "e.f", "g h", "ö", "tab\tbed", "\"q\""};
    return random_.pick(names);
  }
  std::string path() {
    auto out = component();
    while (out.size() < 300 && random_.percent(45)) out += '/' + component();
    if (random_.percent(2)) out += '/' + std::string(120, 'n') + '/' + std::string(90, 'm');
    return out;
  }

  std::string make_archive() {
    std::string out;
    auto sink = strata::string_sink(out);
    strata::archive::TarWriter tar(sink);
    std::map<std::string, Type> made;
    std::string const prefix = random_.percent(25) ? "./" : random_.percent(4) ? "/" : "";
    if (!prefix.empty() && prefix != "/")
      add_entry(tar, {.name = "./", .type = Type::directory, .mode = 0755});
    for (auto left = random_.below(16); left > 0; --left) {
      auto const at = path();
      if (random_.percent(85) && !add_parents(tar, prefix, at, made)) continue;
      if (made.contains(at) || below_file(at, made)) continue;
      add_one(tar, prefix, at, made);
    }
    tar.finish();
    return out;
  }

  static bool below_file(std::string const& at, std::map<std::string, Type> const& made) {
    for (auto slash = at.find('/'); slash != at.npos; slash = at.find('/', slash + 1))
      if (auto const found = made.find(at.substr(0, slash));
          found != made.end() && found->second != Type::directory)
        return true;
    auto const next = made.lower_bound(at + '/');
    return next != made.end() && next->first.starts_with(at + '/');
  }

  bool add_parents(strata::archive::TarWriter& tar, std::string const& prefix, std::string const& at,
                   std::map<std::string, Type>& made) {
    if (below_file(at, made)) return false;
    for (auto slash = at.find('/'); slash != at.npos; slash = at.find('/', slash + 1)) {
      auto const parent = at.substr(0, slash);
      if (!made.emplace(parent, Type::directory).second) continue;
      add_entry(tar, {.name = prefix + parent + '/', .type = Type::directory, .mode = 0755});
    }
    return true;
  }

  void add_one(strata::archive::TarWriter& tar, std::string const& prefix, std::string const& at,
               std::map<std::string, Type>& made) {
    auto const slash = at.rfind('/');
    auto const parent = slash == at.npos ? std::string() : at.substr(0, slash + 1);
    auto const last = at.substr(parent.size());
    strata::archive::TarHeader header{.name = prefix + at, .mode = mode()};
    auto const kind = random_.below(100);
    // of those theirs does not say where it could not make one, which `Whiteouts` wants to know
    bool const orphan = !parent.empty() && !made.contains(parent.substr(0, parent.size() - 1));
    if (kind < 40 || (orphan && kind >= 73 && kind < 82)) {
      made[at] = Type::regular;
      return add_entry(tar, std::move(header), content());
    }
    if (kind < 55) {
      header.type = Type::directory;
      header.name += '/';
    } else if (kind < 65) {
      header.type = Type::symlink;
      header.link_name = random_.percent(50) ? path() : "../" + component();
    } else if (kind < 73) {
      std::vector<std::string> files;
      for (auto const& [name, type] : made)
        if (type == Type::regular) files.push_back(name);
      if (files.empty()) return;
      header.type = Type::hard_link;
      header.link_name = prefix + random_.pick(files);
    } else if (kind < 77) {
      header.type = Type::fifo;
    } else if (kind < 82) {
      header.type = Type::char_device;
      header.dev_major = 1 + static_cast<std::uint32_t>(random_.below(9));
      header.dev_minor = static_cast<std::uint32_t>(random_.below(300));
    } else if (orphan) {
      return;                // a sign that something is gone, see `left_out`
    } else if (kind < 95) {  // such a sign, named after what other layers have
      if (made.contains(parent + ".wh." + last)) return;
      header.name = prefix + parent + ".wh." + last;
      header.mode = 0;
      made[at] = Type::fifo;  // nothing more by that name
      made[parent + ".wh." + last] = Type::fifo;
      return add_entry(tar, std::move(header));
    } else {
      if (parent.empty() || made.contains(parent + ".wh..wh..opq")) return;
      for (auto const& [name, type] : made)  // see `left_out`
        if (name.starts_with(parent))
          for (auto end = name.find('/', parent.size()); end != name.npos; end = name.find('/', end + 1))
            if (!made.contains(name.substr(0, end))) return;
      header.name = prefix + parent + ".wh..wh..opq";
      made[parent + ".wh..wh..opq"] = Type::fifo;
      return add_entry(tar, std::move(header));
    }
    made[at] = header.type;
    add_entry(tar, std::move(header));
  }

  std::uint32_t mode() {
    constexpr std::uint32_t modes[] = {0644, 0600, 0755, 0700, 04755, 02755, 01777, 0444, 0};
    return random_.pick(modes);
  }
  std::string content() {
    constexpr std::size_t sizes[] = {0, 1, 20, 511, 512, 513, 5000};
    return random_.bytes(random_.pick(sizes));
  }

  /// Owner, time and attributes by chance.
  void add_entry(strata::archive::TarWriter& tar, strata::archive::TarHeader header,
                 std::string const& body = {}) {
    constexpr std::int64_t owners[] = {0, 0, 0, 1000, 1001, 65534};
    header.uid = random_.pick(owners);
    header.gid = random_.pick(owners);
    header.size = static_cast<std::int64_t>(body.size());
    header.mtime.seconds = 1'500'000'000 + static_cast<std::int64_t>(random_.below(100'000'000));
    if (header.type == Type::directory && header.mode == 0) header.mode = 0711;
    if (header.type == Type::regular && random_.percent(10))
      header.xattrs.emplace_back("user.note", "of " + header.name);
    if (header.type == Type::regular && random_.percent(4))  // version 2 of capabilities(7): cap_net_raw+ep
      header.xattrs.emplace_back("security.capability",
                                 std::string("\1\0\0\2\0\40\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20));
    std::ranges::sort(header.xattrs);
    auto source = strata::memory_source(body);
    tar.add(header, body.empty() ? nullptr : &source);
  }

  strata::fs::path directory_;
  Random& random_;
};

}  // namespace random_commands

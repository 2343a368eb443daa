#pragma once

#include <strata/archive/base64.hpp>
#include <strata/fs.hpp>

#include <boost/filesystem/fstream.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

/// Makes the tree of a listing again. README.md beside this file has the format.
namespace listing {

inline void expect(bool done, std::string const& what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

inline std::string decoded(std::string const& text) {
  std::string out(text.size(), '\0');
  auto const size = strata::archive::base64_decode(text, reinterpret_cast<std::byte*>(out.data()));
  if (!size) throw std::runtime_error("not base64: " + text);
  out.resize(*size);
  return out;
}

struct Entry {
  char type = 'f';
  std::string mode, uid, gid, mtime, path, target;
  std::string contents = {};
  std::vector<std::pair<std::string, std::string>> xattrs = {};

  static Entry parse(std::string const& line) {
    Entry out;
    std::istringstream in(line);
    in >> out.type >> out.mode >> out.uid >> out.gid >> out.mtime >> std::ws;
    std::getline(in, out.path);
    if (auto const arrow = out.path.find(" -> "); arrow != std::string::npos) {
      out.target = out.path.substr(arrow + 4);
      out.path.resize(arrow);
    }
    return out;
  }
};

/// The entries, in the order of the file.
inline std::vector<Entry> parse(strata::fs::path const& file) {
  strata::fs::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.native());
  std::vector<Entry> out;
  for (std::string line; std::getline(in, line);) {
    auto const rest = line.substr(1);
    switch (line.front()) {
      case '|':
        out.back().contents += rest + '\n';
        break;
      case '>':
        out.back().contents += rest;
        break;
      case '=':
        out.back().contents += decoded(rest);
        break;
      case '@': {
        auto const space = rest.find(' ');
        out.back().xattrs.emplace_back(rest.substr(0, space), decoded(rest.substr(space + 1)));
        break;
      }
      default:
        out.push_back(Entry::parse(line));
    }
  }
  return out;
}

inline void make(Entry const& entry, strata::fs::path const& root) {
  auto const path = (root / entry.path).native();
  auto const mode = static_cast<mode_t>(std::stoul(entry.mode == "-" ? "0" : entry.mode, nullptr, 8));
  switch (entry.type) {
    case 'd':
      expect(::mkdir(path.c_str(), 0700) == 0, path);
      break;
    case 'f':
      strata::fs::ofstream(path) << entry.contents;
      break;
    case 'l':
      expect(::symlink(entry.target.c_str(), path.c_str()) == 0, path);
      break;
    case 'h':
      expect(::link((root / entry.target).c_str(), path.c_str()) == 0, path);
      return;
    case 'p':
      expect(::mkfifo(path.c_str(), mode) == 0, path);
      break;
    case 'c':
      expect(::mknod(path.c_str(), S_IFCHR | mode, 0) == 0, path);
      break;  // whiteouts only
    default:
      throw std::runtime_error("a type that is not known: " + path);
  }
  expect(::lchown(path.c_str(), static_cast<uid_t>(std::stoul(entry.uid)),
                  static_cast<gid_t>(std::stoul(entry.gid))) == 0,
         path);
  if (entry.type != 'l') expect(::chmod(path.c_str(), mode) == 0, path);
  for (auto const& [name, value] : entry.xattrs)
    expect(::lsetxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0) == 0, path + ", " + name);
}

/// Seconds, a dot, nine digits and a zero.
inline void set_time(Entry const& entry, strata::fs::path const& root) {
  auto const dot = entry.mtime.find('.');
  timespec const time{.tv_sec = std::stol(entry.mtime.substr(0, dot)),
                      .tv_nsec = std::stol(entry.mtime.substr(dot + 1, 9))};
  std::array const times{time, time};
  auto const path = (root / entry.path).native();
  expect(::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0, path);
}

/// Makes `root` and what the file lists in it. Needs root, for owners and devices.
inline void unpack(strata::fs::path const& file, strata::fs::path const& root) {
  strata::fs::create_directories(root);
  auto const entries = parse(file);
  for (auto const& entry : entries) make(entry, root);
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)  // directories after what is in them
    if (entry->type != 'h') set_time(*entry, root);
}

}  // namespace listing

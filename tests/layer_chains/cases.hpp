#pragma once

#include "chain.hpp"
#include <string>
#include <utility>
#include <vector>

/// Chains that were once broken, from archives that people have met.
namespace layer_chains {

namespace detail {
inline Entry made(EntryType type, std::string name, std::uint32_t mode, std::string link = {},
                  std::string bytes = {}) {
  Entry entry{{.name = std::move(name), .link_name = std::move(link), .type = type, .mode = mode},
              std::move(bytes)};
  entry.header.size = static_cast<std::int64_t>(entry.bytes.size());
  entry.header.mtime.seconds = 1'700'000'000;
  return entry;
}
inline Entry file(std::string name, std::string bytes = {}) {
  return made(EntryType::regular, std::move(name), 0644, {}, std::move(bytes));
}
inline Entry directory(std::string name) { return made(EntryType::directory, std::move(name), 0755); }
inline Entry link(std::string name, std::string to) {
  return made(EntryType::symlink, std::move(name), 0777, std::move(to));
}
inline Entry hard_link(std::string name, std::string to) {
  return made(EntryType::hard_link, std::move(name), 0644, std::move(to));
}
}  // namespace detail

struct Case {
  std::string name;
  Chain chain;
  bool refused = false;  ///< by every driver
};

inline std::vector<Case> cases() {
  using namespace detail;
  Layer const usr{directory("usr/"), directory("usr/lib/"), file("usr/lib/a.so", "1"),
                  link("lib", "usr/lib")};
  Layer const test{directory("test/"), file("test/test", "1")};
  auto const with = [](Layer layer, std::vector<Entry> const& more) {
    layer.insert(layer.end(), more.begin(), more.end());
    return layer;
  };
  std::string longest;
  while (longest.size() < 4000) longest += "ddddddddd/";
  longest += std::string(4095 - longest.size(), 'f');
  return {
      {"a link in the way", {with(usr, {file("lib/apk", "22")})}},
      {"a link in the parent", {usr, {file("lib/foo.so", "333")}}},
      {"a hard link through a link", {with(usr, {hard_link("lib/b.so", "lib/a.so")})}},
      {"a whiteout through a link, of the layer's own file", {with(usr, {file("lib/.wh.a.so")})}},
      {"a whiteout below a whiteout", {test, {directory("./"), file(".wh.test"), file("test/.wh.test")}}},
      {"a whiteout above a whiteout", {test, {directory("test/"), file("test/.wh.test"), file(".wh.test")}}},
      {"a whiteout with nothing to hide",
       {{directory("d/"), file("d/.wh.x"), file("e/.wh.x")}, {file("e/f/.wh.x")}}},
      {"an opaque root", {with(usr, {file("x", "1")}), {file(".wh..wh..opq"), file("new", "2")}}},
      {"an opaque root, said last",
       {with(usr, {file("x", "1")}), {file("usr/new", "2"), file(".wh..wh..opq")}}},
      {"an opaque mark on a file of the parent", {{file("d/f", "1")}, {file("d/f/.wh..wh..opq")}}},
      {"files of aufs",
       {{directory(".wh..wh.plnk/"), file(".wh..wh.plnk/1.2", "text"), directory("bin/"),
         hard_link("bin/x", ".wh..wh.plnk/1.2"), hard_link("bin/y", ".wh..wh.plnk/1.2"), file(".wh..wh.aufs"),
         directory(".wh..wh.orph/")}}},
      {"one file by two names", {with(usr, {file("lib/a.so", "2")})}, true},
      {"a link to what it takes the place of", {{file("d/f"), hard_link("d", "d/f")}}, true},
      {"a file in the place of a link on its way",
       {{directory("d/"), link("d/l", "."), file("d/l/l", "1")}},
       true},
      {"a file in the place of a directory with a link on its way",
       {{directory("d/"), link("d/l", ".."), file("d/l/d", "1")}},
       true},
      {"a file in the place of a directory that a link on its way leaves",
       {{directory("d/"), link("l", "d/.."), file("l/d", "1")}},
       true},
      {"an empty file in the place of a link on its way",
       {{directory("d/"), link("d/l", "."), file("d/l/l")}}},
      {"a hard link to a hidden name", {test, {file(".wh.test"), hard_link("x", "test")}}, true},
      {"the longest name", {{file(longest, "1")}}},
      {"a name that is too long to be read again", {{file("d" + longest, "1")}}, true},
  };
}

}  // namespace layer_chains

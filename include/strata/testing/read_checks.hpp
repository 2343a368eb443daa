#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/tree/layer_tree.hpp>
#include <strata/tree/read_tree.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace strata::testing::detail {

/// Entries by path.
inline std::map<std::string, LayerEntry> entries_of(LayerTree const& tree) {
  std::map<std::string, LayerEntry> found;
  for (auto& entry : tree.entries()) {
    INFO(entry.path);
    CHECK(found.emplace(entry.path, entry).second);
  }
  return found;
}

/// Paths in the order in which they come, each followed by a space.
inline std::string paths_of(LayerTree const& tree) {
  std::string paths;
  for (auto& entry : tree.entries()) paths += entry.path + ' ';
  return paths;
}

inline std::string text_of(LayerTree const& tree, std::string_view path) {
  std::string text;
  auto source = tree.open(path);
  for (Bytes part = source.next(); !part.empty(); part = source.next()) text += as_text(part);
  return text;
}

/// Checks the entries of a tree, and their attributes.
template <LayerDriver D>
void check_read_entries(D& driver) {
  using archive::EntryType;
  LayerId const base("base");
  auto owned = file("owned", "12345", 04755);
  if (::geteuid() == 0) owned.header.uid = 1234, owned.header.gid = 4321;
  create_layer(driver, base, {},
               {directory("d", 01777),
                owned,
                symbolic_link("d/link", "../../nowhere"),
                file("first", "3"),
                hard_link("second", "first"),
                file("d.x", ""),
                {header(EntryType::fifo, "fifo", 0640)}});
  auto const tree = read_tree_of(driver, base);
  if (!tree) {
    WARN("layers of this driver are read through mounts: not checked");
    return;
  }
  CHECK(paths_of(*tree) == "/d /d/link /d.x /fifo /first /owned /second ");
  auto const found = entries_of(*tree);
  CHECK(found.at("/d").type == EntryType::directory);
  CHECK(found.at("/d").mode == 01777);
  CHECK(found.at("/d").size == 0);
  CHECK(found.at("/d").mtime == sample_time);
  CHECK(found.at("/owned").mode == 04755);
  CHECK(found.at("/owned").uid == owned.header.uid);
  CHECK(found.at("/owned").gid == owned.header.gid);
  CHECK(found.at("/owned").size == 5);
  CHECK(found.at("/owned").mtime == sample_time);
  CHECK(found.at("/d/link").type == EntryType::symlink);
  CHECK(found.at("/d/link").target == "../../nowhere");
  CHECK(found.at("/second").type == EntryType::regular);
  CHECK(found.at("/second").size == 1);
  CHECK(found.at("/fifo").type == EntryType::fifo);
  CHECK(found.at("/fifo").mode == 0640);
}

/// Checks that a tree shows its parents' files, except those that the layer removed.
template <LayerDriver D>
void check_read_merged(D& driver) {
  LayerId const base("base");
  LayerId const middle("middle");
  LayerId const top("top");
  create_layer(driver, base, {},
               {directory("d", 0755), file("d/gone", "1"), file("d/kept", "lower"), directory("e"),
                file("e/hidden", "2"), directory("f"), file("f/below", "3"), directory("g"),
                file("g/old", "4"), file("was-file", "5")});
  create_layer(driver, middle, base,
               {whiteout("d/gone"), directory("e"), opaque("e"), file("e/mine", "6"), whiteout("f"),
                whiteout("g"), whiteout("was-file"), directory("was-file"), file("was-file/in", "7")});
  create_layer(driver, top, middle,
               {directory("d", 0700), file("d/kept", "upper"), file("g", "8"), file("d/new", "9")});
  if (!read_tree_of(driver, top)) return;
  CHECK(paths_of(*read_tree_of(driver, base)) ==
        "/d /d/gone /d/kept /e /e/hidden /f /f/below /g /g/old /was-file ");
  CHECK(paths_of(*read_tree_of(driver, middle)) == "/d /d/kept /e /e/mine /was-file /was-file/in ");
  auto const tree = *read_tree_of(driver, top);
  CHECK(paths_of(tree) == "/d /d/kept /d/new /e /e/mine /g /was-file /was-file/in ");
  CHECK(entries_of(tree).at("/d").mode == 0700);
  CHECK(text_of(tree, "d/kept") == "upper");
  CHECK(text_of(tree, "/g") == "8");
  CHECK(text_of(tree, "was-file/in") == "7");
  for (auto const* const path : {"d/gone", "e/hidden", "f/below", "g/old", "was-file", "none", "", "/"}) {
    INFO(path);
    CHECK(code_of([&] { static_cast<void>(tree.open(path)); }) == Errc::data_unknown);
  }
  CHECK(text_of(*read_tree_of(driver, middle), "d/kept") == "lower");
}

/// Checks that paths are resolved with the layer's root as "/".
template <LayerDriver D>
void check_read_links(D& driver) {
  LayerId const base("base");
  LayerId const top("top");
  std::string const large(300'000, 'x');
  create_layer(driver, base, {},
               {directory("etc"), file("etc/passwd", "layer's own"), file("large", large),
                symbolic_link("absolute", "/etc/passwd"), symbolic_link("up", "../../../../etc"),
                symbolic_link("to-root", "/"), symbolic_link("loop", "loop"),
                symbolic_link("host", "/proc/self/environ"), symbolic_link("dangling", "nowhere"),
                symbolic_link("replaced", "etc")});
  create_layer(driver, top, base, {whiteout("replaced"), directory("replaced"), file("replaced/in", "2")});
  auto const tree = read_tree_of(driver, top);
  if (!tree) return;
  for (auto const* const path :
       {"etc/passwd", "/etc/passwd", "./etc//passwd", "../../etc/passwd", "absolute", "up/passwd",
        "to-root/up/passwd", "etc/../etc/passwd", "up/../absolute", "to-root/../../absolute"}) {
    INFO(path);
    CHECK(text_of(*tree, path) == "layer's own");
  }
  CHECK(text_of(*tree, "large") == large);
  CHECK(text_of(*tree, "replaced/in") == "2");
  for (auto const* const path :
       {"loop", "host", "dangling", "etc", "up", "etc/passwd/below", "etc/passwd/.."}) {
    INFO(path);
    CHECK(code_of([&] { static_cast<void>(tree->open(path)); }) == Errc::data_unknown);
  }
  CHECK(code_of([&] { static_cast<void>(tree->open(std::string_view("a\0b", 3))); }) == Errc::unsafe_path);
}

/// Checks that what is read stays readable, and what is not there is reported.
template <LayerDriver D>
void check_read_life(D& driver) {
  LayerId const base("base");
  create_layer(driver, base, {}, {file("a", "text"), directory("d"), file("d/b", "1")});
  std::optional<LayerTree> tree = read_tree_of(driver, base);
  if (!tree) return;
  auto source = tree->open("a");
  auto entries = tree->entries();
  tree.reset();
  CHECK(as_text(source.next()) == "text");
  CHECK(source.next().empty());
  std::string paths;
  for (auto& entry : entries) paths += entry.path + ' ';
  CHECK(paths == "/a /d /d/b ");
  CHECK(entries.begin() == entries.end());
  bool unknown = false;
  try {
    unknown = !read_tree_of(driver, LayerId("none"));
  } catch (Error const& error) {
    unknown = error.code() == Errc::layer_unknown;
  }
  CHECK(unknown);
}

/// Checks reading without a mount, if the driver can.
template <LayerDriver D>
void check_reading(D& driver) {
  SECTION("a layer's entries are read with their attributes, in tree order") { check_read_entries(driver); }
  SECTION("a layer is read with its parents' files, without those it removed") { check_read_merged(driver); }
  SECTION("links are followed when a file is opened, and lead nowhere outside") { check_read_links(driver); }
  SECTION("what was opened is read to its end") { check_read_life(driver); }
}

}  // namespace strata::testing::detail

#pragma once

#include <strata/archive/tar_header.hpp>
#include <strata/archive/tar_reader.hpp>
#include <strata/concepts/driver.hpp>
#include <strata/error.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/layer_probe.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::testing::detail {

/// Checks what a layer keeps of its entries, and what it tells about its parent.
template <CanTellChanges D>
void check_changes(D& driver) {
  using archive::EntryType;
  LayerId const base("base");
  LayerId const top("top");
  LayerId const again("again");
  std::vector<Entry> const base_entries{directory("d"),    file("d/one", "1"),      file("d/two", "22"),
                                        directory("e"),    directory("e/sub"),      file("e/sub/deep", "333"),
                                        file("f", "4444"), symbolic_link("l", "f"), file("x", "55555")};

  SECTION("kinds, modes, owners, times and links are kept") {
    auto owned = file("owned", "1", 04755);
    if (::geteuid() == 0) owned.header.uid = 1234, owned.header.gid = 4321;
    create_layer(driver, base, {},
                 {directory("d", 01777),
                  owned,
                  file("private", "2", 0600),
                  symbolic_link("dangling", "../../nowhere"),
                  symbolic_link("to-root", "/"),
                  file("first", "3"),
                  hard_link("second", "first"),
                  {header(EntryType::fifo, "fifo", 0640)}});
    auto const found = snapshot(driver, base);
    CHECK(names_of(found) == "d dangling fifo first owned private second to-root ");
    CHECK(found.at("d").header.mode == 01777);
    CHECK(found.at("d").header.type == EntryType::directory);
    CHECK(found.at("d").header.mtime == sample_time);
    CHECK(found.at("owned").header.mode == 04755);
    CHECK(found.at("owned").header.uid == owned.header.uid);
    CHECK(found.at("owned").header.gid == owned.header.gid);
    CHECK(found.at("owned").header.mtime == sample_time);
    CHECK(found.at("private").header.mode == 0600);
    CHECK(found.at("private").bytes == "2");
    CHECK(found.at("dangling").header.link_name == "../../nowhere");
    CHECK(found.at("to-root").header.link_name == "/");
    CHECK(found.at("first").bytes == "3");
    CHECK(found.at("second").header.type == EntryType::hard_link);
    CHECK(found.at("second").header.link_name == "first");
    CHECK(found.at("fifo").header.type == EntryType::fifo);
  }
  SECTION("users' attributes are kept where the file system can") {
    auto marked = file("marked", "1");
    marked.header.xattrs = {{"user.strata", std::string("a\0b", 3)},
                            {"trusted.overlay.redirect", "/etc"},
                            {"user.overlay.opaque", "y"}};
    create_layer(driver, base, {}, {marked});
    auto const kept = snapshot(driver, base).at("marked").header.xattrs;
    if (kept.empty())
      WARN("no user attributes on this file system: not checked");
    else
      CHECK(kept == std::vector{std::pair<std::string, std::string>{"user.strata", std::string("a\0b", 3)}});
  }
  SECTION("a child is its parent with changes; the parent stays as it was") {
    create_layer(driver, base, {}, base_entries);
    auto const before = snapshot(driver, base);
    auto one = file("d/one", "changed");
    one.header.mtime.seconds += 1;
    create_layer(driver, top, base,
                 {directory("d"), one, whiteout("d/two"), whiteout("e"), file("new/file", "6")});
    CHECK(names_of(snapshot(driver, top)) == "d d/one f l new new/file x ");
    CHECK(names_of(snapshot(driver, base)) == names_of(before));
    CHECK(snapshot(driver, base).at("d/one").bytes == "1");
    CHECK(describe(changes_of(driver, top, base)) == "~/d ~/d/one -/d/two -/e +/new +/new/file ");
    CHECK(diff_size_of(driver, top, base) == 7 + 1);
    auto const tar = read_archive(diff_of(driver, top, base));
    CHECK(names_of(tar) == ".wh.e d d/.wh.two d/one new new/file ");
  }
  SECTION("whiteouts of nothing, and a directory in a file's place") {
    // How these appear in changes and diffs is up to the driver: overlay keeps whiteouts, others cannot.
    create_layer(driver, base, {}, base_entries);
    create_layer(driver, top, base,
                 {whiteout("never-there"), whiteout("x"), directory("x"), file("x/below", "7")});
    CHECK(names_of(snapshot(driver, top)) == "d d/one d/two e e/sub e/sub/deep f l x x/below ");
  }
  SECTION("a diff makes the same layer again") {
    create_layer(driver, base, {}, base_entries);
    create_layer(driver, top, base,
                 {whiteout("d/two"), whiteout("e"), file("d/three", "3"), hard_link("d/four", "d/three")});
    std::vector<Entry> entries;
    auto source = memory_source(diff_of(driver, top, base));
    archive::TarReader reader(source);
    auto staged = driver.stage({.parent = base});
    for (archive::TarHeader next; reader.next(next);) staged.add(next, reader);
    staged.finish();
    driver.publish(again, std::move(staged));
    CHECK(describe(changes_of(driver, again, base)) == describe(changes_of(driver, top, base)));
    CHECK(names_of(snapshot(driver, again)) == names_of(snapshot(driver, top)));
  }
  SECTION("an opaque directory hides what the parent has in it, and only that") {
    create_layer(driver, base, {}, base_entries);
    create_layer(driver, top, base, {directory("e"), file("e/mine", "1"), opaque("e"), file("e/also", "2")});
    CHECK(names_of(snapshot(driver, top)) == "d d/one d/two e e/also e/mine f l x ");
  }
  SECTION("whiteouts hide the parent's files, not the archive's own, in whatever order") {
    create_layer(driver, base, {}, base_entries);
    create_layer(driver, top, base,
                 {file("f", "mine"), whiteout("f"), whiteout("d"), directory("d"), file("d/new", "1"),
                  directory("e"), file("e/new", "2"), whiteout("e"), whiteout("e/sub")});
    CHECK(names_of(snapshot(driver, top)) == "d d/new e e/new f l x ");
    CHECK(snapshot(driver, top).at("f").bytes == "mine");
  }
  SECTION("tools that delete a directory after what is in it write whiteouts for both") {
    create_layer(driver, base, {}, base_entries);
    create_layer(driver, top, base, {whiteout("e"), whiteout("x")});
    create_layer(driver, again, base, {whiteout("x"), file("y", "1"), whiteout("d/one"), whiteout("d/two")});
    CHECK(names_of(snapshot(driver, top)) == "d d/one d/two f l ");
    CHECK(names_of(snapshot(driver, again)) == "d e e/sub e/sub/deep f l y ");
  }
  SECTION("nothing changed, nothing is told; compared with nothing all is new") {
    create_layer(driver, base, {}, base_entries);
    create_layer(driver, top, base, {});
    CHECK(changes_of(driver, top, base).empty());
    CHECK(diff_size_of(driver, top, base) == 0);
    CHECK(describe(changes_of(driver, base, std::nullopt)) ==
          "+/d +/d/one +/d/two +/e +/e/sub +/e/sub/deep +/f +/l +/x ");
    CHECK(code_of([&] { changes_of(driver, LayerId("none"), base); }) == Errc::layer_unknown);
  }
}

}  // namespace strata::testing::detail

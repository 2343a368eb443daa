#pragma once

#include <strata/concepts/driver.hpp>
#include <strata/concepts/with_ability.hpp>
#include <strata/error.hpp>
#include <strata/sys/file.hpp>
#include <strata/testing/ability_checks.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace strata::testing {

namespace detail {

/// True if a file of that name exists anywhere below `top`.
inline bool anywhere(std::filesystem::path const& top, std::string const& name) {
  using std::filesystem::directory_options, std::filesystem::recursive_directory_iterator;
  for (auto const& entry : recursive_directory_iterator(top, directory_options::skip_permission_denied))
    if (entry.path().filename() == name) return true;
  return false;
}

template <LayerDriver D>
void check_life(D& driver, std::filesystem::path const& place) {
  LayerId const base("base");
  LayerId const top("top");

  SECTION("a layer exists from publish to remove") {
    CHECK_FALSE(std::string_view(driver.name()).empty());
    CHECK_FALSE(driver.exists(base));
    CHECK(driver.list().empty());
    auto staged = driver.stage({});
    add_all(staged, {file("a", "text")});
    staged.finish();
    CHECK_FALSE(driver.exists(base));
    CHECK(driver.list().empty());
    driver.publish(base, std::move(staged));
    CHECK(driver.exists(base));
    CHECK(driver.list() == std::vector{base});
    create_layer(driver, top, base, {}, Flush::full);
    auto ids = driver.list();
    std::sort(ids.begin(), ids.end());
    CHECK(ids == std::vector{base, top});
    auto trash = driver.remove(top);
    CHECK_FALSE(driver.exists(top));
    CHECK(driver.exists(base));
    trash.empty();
    driver.remove(base).empty();
    CHECK(driver.list().empty());
    CHECK_NOTHROW(driver.remove(base).empty());
    create_layer(driver, base, {}, {file("b", "again")});
    CHECK_FALSE(has_layer_file(driver, base, "a"));
    CHECK_NOTHROW(driver.status());
  }
  SECTION("what is not published leaves nothing") {
    {
      auto staged = driver.stage({});
      add_all(staged, {directory("d"), file("d/abandoned", "text")});
      auto moved = std::move(staged);
      moved.finish();
    }
    CHECK(driver.list().empty());
    CHECK_FALSE(anywhere(place, "abandoned"));
  }
  SECTION("recover removes what a dead process left, and nothing else") {
    create_layer(driver, base, {}, {file("kept", "text")});
    auto const alive = [&] {
      auto staged = driver.stage({});
      add_all(staged, {file("in-use", "text")});
      return staged;
    };
    auto staged = alive();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        auto left = driver.stage({.parent = base});
        add_all(left, {file("abandoned", "text")});
        ::_exit(0);  // without running destructors
      } catch (...) {
        ::_exit(1);
      }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(status == 0);
    driver.recover();
    CHECK_FALSE(anywhere(place, "abandoned"));
    staged.finish();
    driver.publish(top, std::move(staged));
    CHECK(read_layer_file(driver, top, "in-use") == "text");
    CHECK(read_layer_file(driver, base, "kept") == "text");
  }
  SECTION("parents must exist, when staging and when publishing") {
    CHECK(code_of([&] { driver.stage({.parent = base}); }) == Errc::layer_unknown);
    create_layer(driver, base, {}, {});
    auto staged = driver.stage({.parent = base});
    staged.finish();
    driver.remove(base).empty();
    CHECK(code_of([&] { driver.publish(top, std::move(staged)); }) == Errc::layer_unknown);
    CHECK_FALSE(driver.exists(top));
  }
  SECTION("an id is taken once") {
    create_layer(driver, base, {}, {file("a", "first")});
    CHECK(code_of([&] { create_layer(driver, base, {}, {file("a", "second")}); }) == Errc::duplicate_id);
    CHECK(read_layer_file(driver, base, "a") == "first");
    CHECK(driver.list().size() == 1);
  }
  SECTION("contents are replaced in one step") {
    create_layer(driver, base, {}, {file("a", "old"), file("gone", "old")});
    auto staged = driver.stage({});
    add_all(staged, {file("a", "new")});
    staged.finish();
    driver.replace(base, staged);
    CHECK(read_layer_file(driver, base, "a") == "new");
    CHECK_FALSE(has_layer_file(driver, base, "gone"));
    driver.replace(base, staged);
    CHECK(read_layer_file(driver, base, "a") == "old");
    CHECK(read_layer_file(driver, base, "gone") == "old");
    CHECK(driver.list() == std::vector{base});
    auto other = driver.stage({});
    other.finish();
    CHECK(code_of([&] { driver.replace(top, other); }) == Errc::layer_unknown);
  }
  SECTION("a copy of a layer changes without it") {
    create_layer(driver, base, {}, {file("a", "old"), file("b", "kept")});
    auto staged = driver.stage({.copy_of = base});
    add_all(staged, {file("a", "new")});
    staged.finish();
    driver.publish(top, std::move(staged));
    CHECK(read_layer_file(driver, top, "a") == "new");
    CHECK(read_layer_file(driver, top, "b") == "kept");
    CHECK(read_layer_file(driver, base, "a") == "old");
  }
  SECTION("a driver can be moved") {
    create_layer(driver, base, {}, {file("a", "text")});
    D moved = std::move(driver);
    CHECK(read_layer_file(moved, base, "a") == "text");
    driver = std::move(moved);
    CHECK(driver.exists(base));
  }
  SECTION("a stop is heard") {
    std::stop_source stop;
    auto staged = driver.stage({.control = {.stop = stop.get_token()}});
    add_all(staged, {file("a", "text")});
    stop.request_stop();
    CHECK(code_of([&] {
            add_all(staged, {file("b", "text")});
            staged.finish();
          }) == Errc::stopped);
  }
  SECTION("trees are staged side by side") {
    create_layer(driver, base, {}, {file("shared", "text")});
    std::array<std::exception_ptr, 2> failures;
    std::vector<typename D::Staged> staged;
    for (int i = 0; i < 2; ++i) staged.push_back(driver.stage({.parent = base}));
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < 2; ++i)
        threads.emplace_back([&, i] {
          try {
            for (int k = 0; k < 100; ++k) {
              add_all(staged[i],
                      {file("d/" + std::to_string(k), std::string(1000, static_cast<char>('a' + i)))});
              read_layer_file(driver, base, "shared");
            }
            staged[i].finish();
          } catch (...) {
            failures[i] = std::current_exception();
          }
        });
    }
    for (std::size_t i = 0; i < 2; ++i) {
      if (failures[i]) std::rethrow_exception(failures[i]);
      LayerId const id("side" + std::to_string(i));
      driver.publish(id, std::move(staged[i]));
      CHECK(read_layer_file(driver, id, "d/99") == std::string(1000, static_cast<char>('a' + i)));
    }
  }
}

template <LayerDriver D>
void check_files(D& driver, std::filesystem::path const& place) {
  LayerId const base("base");
  SECTION("bytes come back under the name that they were put in by") {
    std::string large(700'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 7) large[i] = static_cast<char>(i);
    std::vector<Entry> const entries{directory("./etc/"),
                                     file("./etc/passwd", "root\n"),
                                     file("/absolute", "1"),
                                     file("deep/down/below", "2"),
                                     file("empty", ""),
                                     file("large", large),
                                     file("odd/ \n\t*'\"", "3"),
                                     file("odd/-rf", "4"),
                                     file("odd/\xC3\xA9\xE2\x82\xAC", "5"),
                                     file("odd/\xFF\xFE", "6"),
                                     file("odd/" + std::string(255, 'n'), "7"),
                                     file("odd/.whatever", "8"),
                                     file("a/./b//c", "9")};
    create_layer(driver, base, {}, entries);
    for (auto const& entry : entries) {
      if (entry.header.type != archive::EntryType::regular) continue;
      INFO(entry.header.name);
      CHECK(read_layer_file(driver, base, entry.header.name) == entry.bytes);
    }
    CHECK(code_of([&] { read_layer_file(driver, base, "none"); }) == Errc::data_unknown);
    CHECK(code_of([&] { read_layer_file(driver, base, "etc"); }) == Errc::data_unknown);
    CHECK(code_of([&] { read_layer_file(driver, base, "empty/none"); }) == Errc::data_unknown);
    CHECK(code_of([&] { read_layer_file(driver, LayerId("none"), "etc/passwd"); }) == Errc::layer_unknown);
  }
  SECTION("a later entry replaces an earlier one, a directory joins one") {
    create_layer(driver, base, {},
                 {file("f", ""), file("f", "2"), directory("d"), file("d/kept", "3"), directory("d", 0700),
                  directory("was-directory"), file("was-directory/below", ""), file("was-directory", "5"),
                  file("was-file", ""), directory("was-file"), file("was-file/below", "7")});
    CHECK(read_layer_file(driver, base, "f") == "2");
    CHECK(read_layer_file(driver, base, "d/kept") == "3");
    CHECK(read_layer_file(driver, base, "was-directory") == "5");
    CHECK(read_layer_file(driver, base, "was-file/below") == "7");
    CHECK(code_of([&] {
            create_layer(driver, LayerId("lossy"), {}, {file("f", "1"), file("f", "2")});
          }) == Errc::corrupt_archive);
  }
  SECTION("names cannot leave the layer") {
    create_layer(driver, base, {},
                 {file("../../../escaped", "1"), file("d/../../up", "2"), file("/../rooted", "3")});
    CHECK(read_layer_file(driver, base, "escaped") == "1");
    CHECK(read_layer_file(driver, base, "../../../escaped") == "1");
    CHECK(read_layer_file(driver, base, "up") == "2");
    CHECK(read_layer_file(driver, base, "rooted") == "3");
    CHECK_FALSE(std::filesystem::exists(place.parent_path() / "escaped"));
    CHECK_FALSE(std::filesystem::exists("/rooted"));
    for (std::string const& name :
         {std::string(".wh."), std::string(".wh..."), std::string("d/.wh.."), std::string("a\0b", 3)}) {
      INFO(name);
      CHECK(code_of([&] { create_layer(driver, LayerId("bad"), {}, {file(name, "")}); }) ==
            Errc::unsafe_path);
    }
  }
  SECTION("an archive cannot make what is the driver's own") {
    auto entry = file("hidden", "");
    entry.header.type = archive::EntryType::char_device;
    auto const code = code_of([&] { create_layer(driver, base, {}, {entry}); });
    CHECK((!code || code == Errc::reserved_entry));  // drivers with whole trees have no reserved entries
  }
}

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

template <MountDriver D>
void check_mounts(D& driver) {
  LayerId const base("base");
  LayerId const top("top");
  SECTION("a mounted layer is a directory with all its files; what is written there is the layer's") {
    create_layer(driver, base, {}, {file("a", "lower"), file("gone", "lower")});
    create_layer(driver, top, base, {file("b", "upper"), whiteout("gone")});
    bool const always = driver.is_mounted(top);  // its directory exists anyway
    CHECK(code_of([&] { driver.mount(LayerId("none"), {}); }) == Errc::layer_unknown);
    auto const path = driver.mount(top, {});
    CHECK(driver.is_mounted(top));
    CHECK(path == driver.mount_path(top));
    CHECK(sys::read_file(path / "a") == "lower");
    CHECK(sys::read_file(path / "b") == "upper");
    CHECK_FALSE(std::filesystem::exists(path / "gone"));
    sys::replace_file(path / "c", "written", {.flush = Flush::none});
    if (!always) CHECK_THROWS_AS(driver.mount(top, {}), Error);
    driver.unmount(top, Flush::full);
    CHECK(driver.is_mounted(top) == always);
    for (auto const flush : {Flush::none, Flush::full}) CHECK_NOTHROW(driver.unmount(top, flush));
    driver.mount(top, {.read_only = true});
    driver.unmount(top, Flush::none);
    CHECK(driver.is_mounted(top) == always);
    CHECK(read_layer_file(driver, top, "c") == "written");
    CHECK(describe(changes_of(driver, top, base)) == "+/b +/c -/gone ");
    CHECK_FALSE(has_layer_file(driver, base, "c"));
  }
}

}  // namespace detail

/// Checks the semantics of the driver concepts with Catch2; call it in a test case.
///
/// @param make  makes a driver in an empty directory of its own
/// @param in    parent of that directory
/// @code
/// TEST_CASE("MyDriver keeps the driver contract") { strata::testing::driver_suite<MyDriver>(); }
/// @endcode
template <LayerDriver D>
void driver_suite(std::function<D(DriverPlace const&)> const& make,
                  std::filesystem::path const& in = std::filesystem::temp_directory_path()) {
  TempDir const directory(in);
  DriverPlace const place{.graph_root = directory / "graph", .run_root = directory / "run"};
  std::filesystem::create_directories(place.graph_root);
  std::filesystem::create_directories(place.run_root);
  D driver = make(place);
  with_ability(driver, [](ShutdownDriver auto& able) {
    able.shutdown();
    able.resume();  // must have the same effect as if never shut down
  });
  detail::check_life(driver, directory.path());
  detail::check_files(driver, directory.path());
  detail::check_abilities(driver);
  if constexpr (CanTellChanges<D>) detail::check_changes(driver);
  if constexpr (MountDriver<D>) detail::check_mounts(driver);
  with_ability(driver, [](ShutdownDriver auto& able) { able.shutdown(); });
}

/// As above, with the driver's default options.
template <OpenableDriver D>
void driver_suite(std::filesystem::path const& in = std::filesystem::temp_directory_path()) {
  driver_suite<D>([](DriverPlace const& place) { return D(place, typename D::Options()); }, in);
}

}  // namespace strata::testing

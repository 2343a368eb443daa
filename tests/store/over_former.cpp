#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/store/over_former.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <optional>
#include <string>

using namespace strata;
using stores::tar_of;

namespace {

/// Layers on a parent with "d/p", to which archives are applied.
struct Applied {
  stores::Fixture<stores::Vfs> fixture;
  std::string second = tar_of({{"d/b", "second"}});

  Applied() {
    fixture.store.layers().import(memory_source(tar_of({{"d/p", "of the parent"}})), {.id = "parent"});
  }
  void apply(std::string const& tar) { fixture.store.layers().get("layer").apply(memory_source(tar)); }
  fs::path tree() const { return fixture.graph() / "vfs/dir/layer"; }
  bool marked() const { return is_over_former(fixture.graph() / "vfs-layers/layer.tar-split.gz"); }
};

}  // namespace

TEST_CASE("a layer with two applied archives passes the check with the files of both",
          "[store][over_former]") {
  Applied one;
  auto& store = one.fixture.store;
  store.layers().import(memory_source(tar_of({{"d/a", "first"}, {"d/.wh.p", ""}})),
                        {.id = "layer", .parent = "parent"});
  CHECK_FALSE(one.marked());
  one.apply(one.second);
  CHECK(one.marked());
  store.layers().import(memory_source(tar_of({{"c", "of a child"}})), {.id = "child", .parent = "layer"});
  std::string out;
  store.layers().get("layer").diff(string_sink(out), {.compression = Compression::none});
  CHECK(out == one.second);
  CHECK(check(store).clean());
  CHECK(repair(store).actions.empty());
  CHECK(fs::exists(one.tree() / "d/a"));

  // What its last archive has is looked at as ever, but the layer is not unpacked anew: the first would be lost.
  fs::ofstream(one.tree() / "d/b") << "other";
  CHECK_FALSE(check(store).sound());
  repair(store);
  CHECK(fs::exists(one.tree() / "d/a"));
  CHECK(store.layers().exists("child"));
}

TEST_CASE("files written before an archive was applied are not reported as damage", "[store][over_former]") {
  Applied one;
  auto& store = one.fixture.store;
  bool const mounted = GENERATE(false, true);
  {
    auto mount = std::optional(store.layers().create({.id = "layer", .parent = "parent"}).mount());
    fs::ofstream(mount->path() / "d/mine") << "written";
    if (!mounted) mount.reset();
    one.apply(one.second);
  }
  CHECK(one.marked());
  CHECK(check(store).clean());
  CHECK(repair(store).actions.empty());
  CHECK(fs::exists(one.tree() / "d/mine"));
}

TEST_CASE("an archive that was unpacked through a symbolic link is checked where the link led",
          "[store][over_former]") {
  Applied one;
  auto& store = one.fixture.store;
  {
    auto const mount = store.layers().create({.id = "layer", .parent = "parent"}).mount();
    fs::create_directory_symlink("d", mount.path() / "l");
  }
  one.apply(tar_of({{"l/b", "second"}}));
  CHECK(one.marked());
  CHECK(check(store).clean());
  CHECK(repair(store).actions.empty());

  fs::permissions(one.tree() / "d/b", fs::perms::no_perms);
  CHECK_FALSE(check(store).sound());
  CHECK(repair(store).actions.empty());  // nobody knows whether that is the link which it went through
  CHECK(fs::is_symlink(one.tree() / "l"));
}

TEST_CASE("contents that a later entry of an archive removed do not show where an earlier one went",
          "[store][over_former]") {
  Applied one;
  auto& store = one.fixture.store;
  {
    auto const mount = store.layers().create({.id = "layer", .parent = "parent"}).mount();
    fs::create_directory_symlink("d", mount.path() / "l");
  }
  one.apply(tar_of({{"l/empty", ""}, {".wh.l", ""}}));
  CHECK(fs::exists(one.tree() / "d/empty"));
  CHECK_FALSE(fs::is_symlink(one.tree() / "l"));
  CHECK(check(store).clean());
  CHECK(repair(store).actions.empty());
}

TEST_CASE("files that are in no archive of a layer are reported", "[store][over_former]") {
  Applied one;
  one.fixture.store.layers().create({.id = "layer", .parent = "parent"});
  one.apply(one.second);
  CHECK_FALSE(one.marked());
  CHECK(check(one.fixture.store).clean());
  fs::ofstream(one.tree() / "d/a") << "else";
  CHECK_FALSE(check(one.fixture.store).sound());
}

#include <strata/sys/file.hpp>
#include <strata/testing/layer_probe.hpp>
#include <strata/tree/memory_tree.hpp>
#include <strata/tree/places.hpp>
#include <strata/tree/whiteouts.hpp>

#include <catch2/catch.hpp>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

using namespace strata;
using archive::ApplyOptions;
using archive::MemoryTree;
using archive::Places;
using archive::Resolved;
using testing::code_of;

namespace {

using Rules = archive::KeptWhiteouts<MemoryTree>;

/// A directory and a link to it.
MemoryTree small_tree() {
  MemoryTree tree;
  REQUIRE(MemoryTree::make_directory(&tree.root(), "d", 0755) == 0);
  REQUIRE(MemoryTree::make_directory(tree.find("d").get(), "e", 0755) == 0);
  REQUIRE(MemoryTree::make_symlink(&tree.root(), "l", "d") == 0);
  MemoryTree::Handle file;
  REQUIRE(MemoryTree::make_file(tree.find("d").get(), "f", 0644, file) == 0);
  return tree;
}

struct stat status_in(Places<MemoryTree>& places, std::string_view parent, std::string const& name) {
  auto const directory = places.tree().open(parent);
  auto const status = MemoryTree::look(MemoryTree::ref(directory), name, name);
  REQUIRE(status);
  return *status;
}

std::error_code system_code(int code) { return {code, std::system_category()}; }

}  // namespace

TEST_CASE("a place is found through links, and found again without looking", "[tree][places]") {
  ApplyOptions const options;
  Places<MemoryTree> places(small_tree(), options);
  Resolved<MemoryTree::Handle> at;
  auto* const place = places.find("l/e", at);
  REQUIRE(place != nullptr);
  CHECK(place->path == "d/e");
  CHECK(place->links == std::vector<std::string>{"l"});
  CHECK(places.known("l/e") == place);
  CHECK(places.known("d/e") == nullptr);
  places.forget();
  CHECK(places.known("l/e") == nullptr);
  CHECK(places.find("d/none/x", at) == nullptr);
  CHECK(at.rest == "none/x");
}

TEST_CASE("missing directories are made, owned by the root of the maps", "[tree][places]") {
  ApplyOptions const options{.maps = {.uids = {{.container_id = 0, .host_id = 1000, .size = 10}},
                                      .gids = {{.container_id = 0, .host_id = 2000, .size = 10}}}};
  Places<MemoryTree> places(small_tree(), options);
  Rules rules;
  CHECK(places.make_parent("l/new/deep", rules).path == "d/new/deep");
  auto const made = places.tree().find("d/new/deep");
  REQUIRE(made);
  CHECK(made->mode == (S_IFDIR | 0755));
  CHECK(made->uid == 1000);
  CHECK(made->gid == 2000);
  CHECK(made->implied);
  CHECK(code_of([&] { places.make_parent("d/f/x", rules); }) == system_code(ENOTDIR));
  CHECK_FALSE(places.tree().find("d/f")->is_directory());
}

TEST_CASE("a link that leads nowhere is no place to make directories in", "[tree][places]") {
  ApplyOptions const options;
  Places<MemoryTree> places(small_tree(), options);
  REQUIRE(MemoryTree::make_symlink(&places.tree().root(), "lost", "none") == 0);
  REQUIRE(MemoryTree::make_symlink(&places.tree().root(), "loop", "loop") == 0);
  Rules rules;
  CHECK(code_of([&] { places.make_parent("lost/x", rules); }) == system_code(ENOTDIR));
  CHECK(code_of([&] { places.make_parent("loop", rules); }) == system_code(ELOOP));
  CHECK_FALSE(places.tree().find("none"));
}

TEST_CASE("what an archive has stored is not removed by a later entry of it", "[tree][places]") {
  for (bool const as_reference : {false, true}) {
    ApplyOptions const options{.as_reference = as_reference};
    Places<MemoryTree> places(small_tree(), options);
    Resolved<MemoryTree::Handle> at;
    auto* const place = places.find("l", at);
    REQUIRE(place != nullptr);
    places.need(*place, "d/f");
    Places<MemoryTree>::Place root{.directory = places.tree().open_root()};
    auto const wanted = as_reference ? std::error_code() : make_error_code(Errc::corrupt_archive);
    // The link and the directory on the way to it are needed, too.
    CHECK(code_of([&] { places.remove(root, "l", "l", status_in(places, "", "l")); }) == wanted);
    CHECK(code_of([&] { places.remove(root, "d", "d", status_in(places, "", "d")); }) == wanted);
    CHECK(static_cast<bool>(places.tree().find("d/f")) != as_reference);
  }
}

TEST_CASE("what a tree had before stays where that is asked for", "[tree][places]") {
  ApplyOptions const options{.former = Former::kept};
  Places<MemoryTree> places(small_tree(), options);
  Places<MemoryTree>::Place root{.directory = places.tree().open_root()};
  CHECK(code_of([&] { places.remove(root, "d", "d", status_in(places, "", "d")); }) ==
        system_code(ENOTEMPTY));
  auto inner = Places<MemoryTree>::Place{.directory = places.tree().open("d"), .path = "d"};
  places.remove(inner, "e", "d/e", status_in(places, "d", "e"));  // it is empty
  CHECK_FALSE(places.tree().find("d/e"));

  // Only the archive's own links are followed.
  Resolved<MemoryTree::Handle> at;
  CHECK(code_of([&] { places.find("l", at); }) == system_code(ENOTDIR));
  places.note_link("l");
  CHECK(places.find("l", at) != nullptr);
}

TEST_CASE("a name in the way gives way to what is made", "[tree][places]") {
  ApplyOptions const options;
  Places<MemoryTree> places(small_tree(), options);
  Places<MemoryTree>::Place place{.directory = places.tree().open("d"), .path = "d"};
  auto* const directory = place.directory.get();
  places.make(place, "f", "d/f", "mkdir", [&] { return MemoryTree::make_directory(directory, "f", 0700); });
  CHECK(places.tree().find("d/f")->is_directory());
  auto const fails = [] {
    errno = EIO;
    return -1;
  };
  try {
    places.make(place, "f", "d/f", "mkdir", fails);
    FAIL("no error");
  } catch (Error const& error) {
    CHECK(error.code() == system_code(EIO));
    CHECK(error.subject() == "mkdir d/f");
  }
  CHECK(places.tree().find("d/f")->is_directory());  // nothing was removed for it
}

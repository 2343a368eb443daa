#pragma once

#include <strata/fs.hpp>
#include <strata/sys/copy_tree.hpp>
#include <strata/sys/mount.hpp>
#include <strata/sys/remove_tree.hpp>

#include <boost/filesystem/fstream.hpp>

#include "archive.hpp"
#include "images.hpp"
#include "program.hpp"
#include "store_state.hpp"
#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace fault_injection {

/// A directory with a store, a copy of it from which each trial begins, and the files that operations read.
class Home {
 public:
  static inline auto const image = std::string(64, '1'), image_of_own = std::string(64, '2'),
                           new_image = std::string(64, '3');

  Home(strata::fs::path top, std::string driver)
      : top_(std::move(top)),
        place_{.graph = top_ / "store/graph", .run = top_ / "store/run", .driver = std::move(driver)},
        began_(std::time(nullptr) - 1) {
    strata::fs::create_directories(top_ / "home");
    write_files();
    for (auto const* name : {"STORAGE_DRIVER", "STORAGE_OPTS", "CONTAINERS_STORAGE_CONF"}) ::unsetenv(name);
    ::setenv("CONTAINERS_STORAGE_CONF", file("storage.conf").c_str(), 1);
    ::setenv("HOME", (top_ / "home").c_str(), 1);
    fill();
  }
  Home(Home const&) = delete;
  ~Home() { remove(top_ / "store"); }

  Place const& place() const { return place_; }
  std::string file(std::string const& name) const { return (top_ / "files" / name).native(); }
  /// The layer of the container c1, which has no name.
  std::string container_layer() const {
    auto const records = json::parse(contents(place_.records("containers")));
    for (auto const& one : records.as_array())
      if (one.at("id") == "c1") return std::string(one.at("layer").as_string());
    throw std::runtime_error("c1 has no layer");
  }
  StateReader reader() const { return {place_, began_}; }

  /// The words of a command on the store.
  Command command(std::vector<std::string> words) const {
    words.insert(words.begin(),
                 {"--graph", place_.graph.native(), "--run", place_.run.native(), "-s", place_.driver});
    return {.words = std::move(words)};
  }

  /// Runs a command that has to succeed.
  std::string expect(std::vector<std::string> words) const {
    auto const ran = fault_injection::run(command(words));
    if (ran.status != 0)
      throw std::runtime_error(words.front() + ' ' + words.back() + ": status " + std::to_string(ran.status) +
                               ": " + ran.out + ran.err);
    return ran.out;
  }

  /// Makes the store as it was at first.
  void restore() const {
    remove(top_ / "store");
    copy(top_ / "template", top_ / "store");
  }
  void empty() const {
    remove(top_ / "store");
    strata::fs::create_directory(top_ / "store");
  }
  /// Writes a file of the container c1 through a mount.
  void write_in_container(std::string const& name, std::string const& text) const {
    auto point = expect({"mount", "c1"});
    point.resize(point.find_last_not_of('\n') + 1);
    strata::fs::ofstream(strata::fs::path(point) / name) << text;
    expect({"unmount", "c1"});
  }

 private:
  static bool every_attribute(std::string_view) noexcept { return true; }

  static void copy(strata::fs::path const& from, strata::fs::path const& to) {
    strata::sys::copy_tree(from, to, {.keeps_xattr = every_attribute});
  }
  static void remove(strata::fs::path const& path) {
    strata::sys::unmount_below(path);
    strata::sys::remove_tree(path);
  }

  void write(std::string const& name, std::string const& text) const {
    strata::fs::create_directories(strata::fs::path(file(name)).parent_path());
    strata::fs::ofstream(file(name), std::ios::binary) << text;
  }

  void write_files() const {
    write("storage.conf", "[storage]\n");
    write("data", "what is set as data\n");
    write("tree/a", "a of a tree\n");
    write("tree/below/b", "b of a tree\n");
    // as the copy of a directory is made: where it is there already, it keeps its mode
    for (auto const* name : {"tree", "tree/below"})
      strata::fs::permissions(file(name), strata::fs::perms::owner_all);
    write("base.tar", Archive()
                          .directory("d/")
                          .file("d/a", "a of base\n")
                          .hard_link("d/hard")
                          .directory("d/e/", 0700)
                          .noted("d/e/b", "b of base\n")
                          .symlink("soft", "d/a")
                          .pipe("pipe")
                          .finish());
    write("top.tar", Archive().directory("d/").file("d/c", "c of top\n").file("d/.wh.hard", "").finish());
    write("full.tar", Archive().directory("d/").file("d/c", "c of full\n").finish());
    write("over.tar", Archive().directory("d/", 0711).file("d/c", "another c\n").file("d/f", "f\n").finish());
    write("own.tar", Archive().directory("own/", 01777).file("own/file", "of its own\n").finish());
    write("new.tar", Archive()
                         .directory("d/", 0750)
                         .file("d/.wh.c", "")
                         .directory("d/e/")
                         .file("d/e/.wh..wh..opq", "")
                         .noted("d/e/new", "new\n")
                         .file("d/a", std::string(70'000, 'a'))
                         .hard_link("h")
                         .symlink("l", "d/a")
                         .pipe("d/pipe")
                         .finish());
    write_images(top_ / "files");
    if (std::system(("gzip -nkf " + file("new.tar")).c_str()) != 0) throw std::runtime_error("gzip");
  }

  void fill() const {
    strata::fs::create_directories(top_ / "store");
    expect({"import-layer", "--id", "base", "-n", "base-name", "-f", file("base.tar")});
    expect({"import-layer", "--id", "top", "-n", "top-name", "-f", file("top.tar"), "base"});
    expect({"import-layer", "--id", "own", "-f", file("own.tar"), "base"});
    expect({"import-layer", "--id", "full", "-f", file("full.tar"), "base"});
    expect({"create-layer", "--id", "spare", "top"});
    expect({"create-image", "--id", image, "-n", "img", "top"});
    expect({"set-image-data", "-f", file("data"), "img", "key"});
    expect({"create-image", "--id", image_of_own, "-n", "img2", "-m", "metadata", "own"});
    expect({"create-container", "--id", "c1", "-n", "box", "img"});
    expect({"create-container", "--id", "c2", "-m", "metadata", "img"});
    expect({"set-container-data", "-f", file("data"), "c1", "key"});
    write_in_container("written", "by a container\n");
    strata::sys::unmount_below(top_ / "store");
    remove(top_ / "template");
    copy(top_ / "store", top_ / "template");
  }

  strata::fs::path top_;
  Place place_;
  std::time_t began_;
};

}  // namespace fault_injection

#include <strata/codec/all.hpp>
#include <strata/digest.hpp>
#include <strata/drivers/overlay.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>
#include <strata/sys/file.hpp>
#include <strata/sys/stream.hpp>
#include <strata/testing/temp_dir.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "listing.hpp"
#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

// Stores that containers-storage and Podman wrote, as README.md says, are read and changed by ours.

namespace {

using Lines = std::vector<std::string>;

template <class Driver>
struct Golden {
  using Store = strata::Store<Driver, strata::serializers::Json>;

  /// @param name      of the files in this directory
  /// @param unpacked  called with the graph root before the store is opened
  template <class Unpacked>
  Golden(std::string const& name, Unpacked&& unpacked) : items(read_lines(data(name + ".items"))) {
    listing::unpack(data(name + ".store"), graph);
    unpacked(graph);
    store.emplace(typename Store::Options{.graph_root = graph, .run_root = directory.path().native() + "/r"});
  }
  explicit Golden(std::string const& name) : Golden(name, [](std::string const&) {}) {}
  ~Golden() { store->shutdown({.force = true}); }

  static strata::fs::path data(std::string const& file) {
    return strata::fs::path(STRATA_HEADERS) / "../../tests/data" / file;
  }
  static Lines read_lines(strata::fs::path const& file) {
    strata::fs::ifstream in(file);
    Lines out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

  strata::testing::TempDir directory;
  std::string graph = directory.path().native() + "/g";
  Lines items;
  std::optional<Store> store;
};

std::string joined(strata::names::List const& names) {
  std::string out;
  for (auto const& name : names) out += (out.empty() ? "" : ",") + name;
  return out.empty() ? "-" : out;
}

std::string as_object(std::map<std::string, std::string> const& members) {
  std::string out;
  for (auto const& [key, value] : members) out += (out.empty() ? "\"" : ",\"") + key + "\":\"" + value + '"';
  return '{' + out + '}';
}

/// As make.sh writes what containers-storage says.
Lines items_of(auto const& store) {
  Lines out;
  auto const layers = store.layers().list();
  for (auto const& layer : layers)
    out.push_back("layer " + layer.id().str() + ' ' +
                  (layer.record().parent.empty() ? "-" : layer.record().parent) + ' ' +
                  joined(layer.names()));
  for (auto const& image : store.images().list())
    out.push_back("image " + image.id().str() + ' ' + image.record().top_layer + ' ' + joined(image.names()) +
                  ' ' + as_object(image.record().big_data_digests));
  for (auto const& box : store.containers().list())
    out.push_back("container " + box.id().str() + ' ' + box.record().image + ' ' + box.record().layer + ' ' +
                  joined(box.names()));
  for (auto const& layer : layers) {
    if (layer.record().diff_digest.empty()) continue;
    std::string tar;
    layer.diff(strata::string_sink(tar), {.compression = strata::Compression::none});
    out.push_back("diff " + layer.id().str() + ' ' +
                  strata::Digest::of(strata::as_bytes(tar)).str().substr(7));
  }
  for (auto const& layer : layers) {
    Lines changes;
    for (auto const& change : layer.changes()) {
      constexpr std::string_view words[] = {"Modify", "Add", "Delete"};
      changes.push_back("change " + layer.id().str() + ' ' +
                        std::string(words[static_cast<int>(change.kind)]) + " \"" + change.path + '"');
    }
    std::ranges::sort(changes);
    out.insert(out.end(), changes.begin(), changes.end());
  }
  return out;
}

/// What each path below `root` is: mode, owner, and contents or target. Locks, which say who wrote last, are left out.
std::map<std::string, std::string> state_of(std::string const& root) {
  std::map<std::string, std::string> out;
  for (auto const& entry : strata::fs::recursive_directory_iterator(root)) {
    auto const path = entry.path().native();
    if (path.ends_with(".lock")) continue;
    struct ::stat found {};
    listing::expect(::lstat(path.c_str(), &found) == 0, path);
    std::ostringstream text;
    text << std::oct << found.st_mode << ' ' << found.st_uid << ' ' << found.st_gid << ' ';
    if (strata::fs::is_symlink(entry.symlink_status())) text << strata::fs::read_symlink(path).native();
    if (strata::fs::is_regular_file(entry.status())) text << strata::sys::read_file(path);
    out.emplace(path.substr(root.size() + 1), text.str());
  }
  return out;
}

/// The paths of `before` whose state is another one now, or that are gone.
Lines changed_since(std::map<std::string, std::string> const& before, std::string const& root) {
  auto const now = state_of(root);
  Lines out;
  for (auto const& [path, state] : before)
    if (auto const found = now.find(path); found == now.end() || found->second != state) out.push_back(path);
  return out;
}

constexpr std::string_view unknown_field = R"(,"from-a-later-release":{"a":[1,"é",null]})";

/// Gives the last record of a file a field that strata does not know.
void add_unknown_field(std::string const& file) {
  auto text = strata::sys::read_file(file);
  REQUIRE(text.ends_with("}]"));
  text.insert(text.size() - 2, unknown_field);
  strata::fs::ofstream(file) << text;
}

/// Changes the metadata of the last item of a kind and takes it back, and looks at the files after each.
void change_and_take_back(auto collection, std::string const& file, std::string const& graph) {
  INFO(file);
  auto const before = state_of(graph);
  auto const text = strata::sys::read_file(graph + '/' + file);
  auto item = collection.list().back();
  auto const old = item.metadata();
  item.set_metadata("of strata");
  CHECK(changed_since(before, graph) == Lines{file});
  auto const changed = strata::sys::read_file(graph + '/' + file);
  auto const record = text.rfind("{\"id\"");
  CHECK(changed.substr(0, record) == text.substr(0, record));
  CHECK(changed.ends_with(std::string(unknown_field) + "}]"));
  CHECK(changed.find(R"("metadata":"of strata")") > record);
  item.set_metadata(old);
  CHECK(changed_since(before, graph) == Lines{});
}

template <class Driver>
void is_read_as_written(std::string const& name) {
  Golden<Driver> const golden(name);
  CHECK(items_of(*golden.store) == golden.items);
  auto const report = strata::check(*golden.store);
  for (auto const& problem : report.problems) UNSCOPED_INFO(problem.id << ": " << problem.text);
  CHECK(report.clean());
}

template <class Driver>
void changes_nothing_else(std::string const& name, std::string const& driver) {
  Golden<Driver> const golden(name, [&](std::string const& graph) {
    for (std::string const kind : {"layers", "images", "containers"})
      add_unknown_field(graph + '/' + driver + '-' + kind + '/' + kind + ".json");
  });
  auto const file = [&](std::string const& kind) { return driver + '-' + kind + '/' + kind + ".json"; };
  change_and_take_back(golden.store->layers(), file("layers"), golden.graph);
  change_and_take_back(golden.store->images(), file("images"), golden.graph);
  change_and_take_back(golden.store->containers(), file("containers"), golden.graph);
  CHECK(items_of(*golden.store) == golden.items);
}

template <class Driver>
void is_worked_on(std::string const& name) {
  Golden<Driver> const golden(name);
  auto& store = *golden.store;
  {
    auto const root = store.containers().get("box").mount();
    CHECK(strata::sys::read_file(root.path() / "etc/hostname") == "box\n");
    CHECK(strata::sys::read_file(root.path() / "etc/motd") == "welcome\n");
    CHECK_FALSE(exists(symlink_status(root.path() / "etc/link")));
  }
  auto const image = store.images().list().front();
  auto const data = image.big_data();
  for (auto const& key : data.names())
    CHECK(strata::Digest::of(strata::as_bytes(data.get(key))) == data.digest(key));
  store.containers().remove("box");
  for (auto const& each : store.images().list()) store.images().remove(each);
  CHECK(store.layers().list().empty());
  CHECK(strata::check(store).clean());
}

}  // namespace

TEST_CASE("stores of containers-storage 1.43 are read as it wrote them", "[data]") {
  is_read_as_written<strata::drivers::Overlay>("storage-overlay");
  is_read_as_written<strata::drivers::Vfs>("storage-vfs");
}

TEST_CASE("stores of Podman 4.3 are read as it wrote them", "[data]") {
  is_read_as_written<strata::drivers::Overlay>("podman-overlay");
  is_read_as_written<strata::drivers::Vfs>("podman-vfs");
}

TEST_CASE("a change to a store of another program leaves what is not changed", "[data]") {
  changes_nothing_else<strata::drivers::Overlay>("storage-overlay", "overlay");
  changes_nothing_else<strata::drivers::Vfs>("storage-vfs", "vfs");
  changes_nothing_else<strata::drivers::Overlay>("podman-overlay", "overlay");
  changes_nothing_else<strata::drivers::Vfs>("podman-vfs", "vfs");
}

TEST_CASE("items of another program are mounted and removed", "[data]") {
  is_worked_on<strata::drivers::Overlay>("storage-overlay");
  is_worked_on<strata::drivers::Vfs>("storage-vfs");
  is_worked_on<strata::drivers::Overlay>("podman-overlay");
  is_worked_on<strata::drivers::Vfs>("podman-vfs");
}

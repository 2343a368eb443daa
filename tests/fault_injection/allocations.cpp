// Makes allocations of the library fail, one after another: each operation of a store in this process, with each driver and
// serializer below, once and from there on. After each: the state is the old or the new one, in the object and when opened
// anew, the same operation succeeds, and then gives what one without a fault gives.
//
// allocations --directory DIRECTORY [--seconds N] [--seed N] [--store NAME]... [--operation NAME]...
// [--point NTH[:sticky]]
// Without --seconds: every point. Prints "ok NAME" or "not ok NAME" for each operation, and one line of counts.

#include <strata/codec/all.hpp>
#include <strata/drivers/memory.hpp>
#include <strata/drivers/vfs.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/serializers/journal.hpp>
#include <strata/serializers/json.hpp>
#include <strata/store/store.hpp>
#include <strata/sys/remove_tree.hpp>
#include <strata/sys/stream.hpp>

#include "archive.hpp"
#include "runner.hpp"
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

/// Which allocation fails, of all threads' since it was set.
struct Allocations {
  std::atomic<bool> counted = false;
  std::atomic<std::size_t> count = 0;
  std::size_t fails = 0;  ///< the how manieth; 0: none
  bool sticky = false;

  bool fail() {
    if (!counted.load(std::memory_order_relaxed)) return false;
    auto const nth = ++count;
    return fails != 0 && (sticky ? nth >= fails : nth == fails);
  }
} allocations;

void* allocate(std::size_t size, std::size_t alignment = 0) {
  if (allocations.fail()) throw std::bad_alloc();
  auto const whole = alignment == 0 ? 0 : (size + alignment - 1) / alignment * alignment;
  void* const at = alignment == 0 ? std::malloc(size == 0 ? 1 : size) : std::aligned_alloc(alignment, whole);
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }
void operator delete(void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete[](void* at, std::align_val_t) noexcept { std::free(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept { std::free(at); }

namespace {

namespace fs = boost::filesystem;
using State = std::map<std::string, std::string>;

std::string const base_tar =
    fault_injection::Archive().directory("d/").file("d/a", "a\n").noted("d/b", "b\n").finish();
std::string const top_tar = fault_injection::Archive()
                                .directory("d/")
                                .file("d/.wh.a", "")
                                .file("d/c", "c\n")
                                .symlink("l", "d/c")
                                .finish();

template <class Item>
void describe(State& out, std::string const& kind, Item& item, std::string const& id) {
  auto const name = kind + ' ' + id;
  out[name] = item.metadata();
  for (auto const& one : item.names()) out[name] += " named " + one;
  for (auto const& key : item.big_data().names()) out[name + " data " + key] = item.big_data().get(key);
}

template <class Store>
State state_of(Store& store) {
  State out;
  std::map<std::string, std::string> known;
  for (auto& box : store.containers().list()) {
    describe(out, "container", box, box.id().str());
    known[box.record().layer] = "of " + box.id().str();
  }
  for (auto& image : store.images().list()) {
    describe(out, "image", image, image.id().str());
    out["image " + image.id().str()] += " of " + image.record().top_layer;
  }
  for (auto& layer : store.layers().list()) {
    auto const found = known.find(layer.id().str());
    auto const id = found == known.end() ? layer.id().str() : found->second;
    describe(out, "layer", layer, id);
    out["layer " + id] += " over " + layer.record().parent + ' ' + layer.record().diff_digest;
    std::string tar;
    layer.diff(strata::string_sink(tar));
    out["layer " + id + " diff"] = tar;
  }
  return out;
}

template <class Store>
struct Operation {
  std::string name;
  std::function<void(Store&)> run;
  bool changes = true;  ///< else the state stays
};

template <class Store>
std::vector<Operation<Store>> operations() {
  using strata::memory_source;
  return {
      {"create-layer",
       [](Store& s) { s.layers().create({.id = "new", .names = {"name"}, .parent = "top"}); }},
      {"import-layer",
       [](Store& s) { s.layers().import(memory_source(top_tar), {.id = "new", .parent = "base"}); }},
      {"apply", [](Store& s) { s.layers().get("spare").apply(memory_source(top_tar)); }},
      {"delete-layer", [](Store& s) { s.layers().remove("spare"); }},
      {"create-image",
       [](Store& s) { s.images().create({.id = "new", .names = {"n"}, .top_layer = "top"}); }},
      {"set-image-data", [](Store& s) { s.images().get("image").big_data().set("key", "other"); }},
      {"set-new-data", [](Store& s) { s.images().get("image").big_data().set("a new key", "data"); }},
      {"set-names",
       [](Store& s) {
         s.images().get("image").set_names({"one", "a second name of the image"});
       }},
      {"add-names",
       [](Store& s) { s.containers().get("box").add_names({"a name that the container gets"}); }},
      {"set-metadata",
       [](Store& s) { s.layers().get("top").set_metadata("metadata that is no short text"); }},
      {"delete-image", [](Store& s) { s.images().remove("lone"); }},
      {"create-container",
       [](Store& s) { s.containers().create("image", {.id = "new", .names = {"name"}}); }},
      {"set-container-data", [](Store& s) { s.containers().get("box").big_data().set("key", "other"); }},
      {"delete-container", [](Store& s) { s.containers().remove("box"); }},
      {"list", [](Store& s) { state_of(s); }, false},
      {"collect-garbage", [](Store& s) { collect_garbage(s); }, false},
  };
}

template <class Store>
void fill(Store& store) {
  store.layers().import(strata::memory_source(base_tar), {.id = "base", .names = {"base-name"}});
  store.layers().import(strata::memory_source(top_tar), {.id = "top", .parent = "base"});
  store.layers().create({.id = "spare", .parent = "base"});
  store.layers().create({.id = "own", .parent = "base"});
  auto image = store.images().create({.id = "image", .names = {"image-name"}, .top_layer = "top"});
  image.big_data().set("key", "value");
  store.images().create({.id = "lone", .names = {"lone-name"}, .top_layer = "own"});
  auto box = store.containers().create("image", {.id = "box", .names = {"box-name"}});
  box.big_data().set("key", "value");
}

/// A store of one composition, new for each trial.
template <class Store>
struct Fresh {
  explicit Fresh(fs::path const& directory) : at(directory) {
    strata::sys::remove_tree(at);
    fs::create_directory(at);
    store.emplace(options());
    fill(*store);
  }
  typename Store::Options options() const { return {.graph_root = at / "graph", .run_root = at / "run"}; }

  fs::path at;
  std::optional<Store> store = {};
};

/// Calls it with allocations counted, and one failing.
template <class Call>
bool counted(std::size_t fails, bool sticky, std::string& said, Call&& call) {
  allocations.count = 0;
  allocations.fails = fails;
  allocations.sticky = sticky;
  allocations.counted = true;
  try {
    call();
    allocations.counted = false;
    return true;
  } catch (std::exception const& error) {
    allocations.counted = false;
    said = error.what();
  }
  return false;
}

std::string difference(State const& wanted, State const& found) {
  for (auto const& [name, text] : wanted)
    if (auto const at = found.find(name); at == found.end() || at->second != text)
      return name + (at == found.end() ? " is missing" : ": wanted " + text + ", found " + at->second);
  for (auto const& [name, text] : found)
    if (!wanted.contains(name)) return name + " is not wanted: " + text;
  return "none";
}

/// @tparam Keeps  whether the store can be opened anew
template <class Store, bool Keeps>
std::string try_at(fs::path const& directory, Operation<Store> const& operation, State const& old_state,
                   State const& new_state, std::size_t fails, bool sticky) {
  Fresh<Store> fresh(directory);
  std::string said = "nothing";
  bool const done = counted(fails, sticky, said, [&] { operation.run(*fresh.store); });
  auto const after = [&](State const& state, std::string const& where) -> std::string {
    if (state == new_state || (!done && state == old_state)) return {};
    return std::string(done ? "acknowledged" : "failed (" + said + ")") + ", " + where +
           ": from the old state: " + difference(old_state, state) +
           "; from the new state: " + difference(new_state, state);
  };
  if constexpr (Keeps) {  // first, for it is what finishes a change that was given up half way
    Store anew(fresh.options());
    if (auto wrong = after(state_of(anew), "opened anew"); !wrong.empty()) return wrong;
    for (auto const& found : check(anew).problems)
      if (found.severity == strata::Severity::error) return "check: " + found.text;
  }
  auto const state = state_of(*fresh.store);
  if (auto wrong = after(state, "in the object"); !wrong.empty()) return wrong;
  if constexpr (Keeps) {
    Store anew(fresh.options());
    if (auto const kept = state_of(anew); kept != state)
      return "the object and the store differ: " + difference(kept, state);
  }
  if (state == new_state && operation.changes) return {};
  if (!counted(0, false, said, [&] { operation.run(*fresh.store); })) return "a retry fails: " + said;
  if (auto const again = state_of(*fresh.store); again != new_state)
    return "a retry gives another state: " + difference(new_state, again);
  return {};
}

template <class Store, bool Keeps>
void add(std::vector<fault_injection::Case>& cases, fs::path const& directory, std::string const& store,
         fault_injection::RunOptions const& options) {
  if (!options.wants("--store", store)) return;
  for (auto const& operation : operations<Store>()) {
    if (!options.wants("--operation", operation.name)) continue;
    Fresh<Store> fresh(directory);
    auto const old_state = state_of(*fresh.store);
    std::string said;
    if (!counted(0, false, said, [&] { operation.run(*fresh.store); }))
      throw std::runtime_error(operation.name + ": " + said);
    std::size_t const count = allocations.count;
    auto const new_state = state_of(*fresh.store);
    fault_injection::Case one{.title = "allocations of " + operation.name + " in " + store,
                              .again = "allocations --store " + store + " --operation " + operation.name};
    for (std::size_t nth = 1; nth <= count; ++nth)
      for (auto const* sticky : {"", ":sticky"}) one.points.push_back(std::to_string(nth) + sticky);
    if (auto const point = options.value("--point"); !point.empty()) one.points = {point};
    one.run = [=](std::string const& point) {
      constexpr unsigned longest_seconds = 30;
      ::alarm(longest_seconds);
      auto wrong = try_at<Store, Keeps>(directory, operation, old_state, new_state, std::stoul(point),
                                        point.ends_with(":sticky"));
      ::alarm(0);
      return fault_injection::Verdict{.rule = wrong.empty() ? "" : "strong guarantee",
                                      .details = "    " + wrong};
    };
    cases.push_back(std::move(one));
  }
}

}  // namespace

int main(int count, char** words) try {
  using namespace strata;
  auto const options =
      fault_injection::run_options(count, words, {}, {"--directory", "--store", "--operation", "--point"});
  auto const directory = options.value("--directory");
  if (directory.empty()) throw std::invalid_argument("--directory is needed");
  fs::path const at = fs::path(directory) / "store";
  std::vector<fault_injection::Case> cases;
  add<Store<drivers::Memory, serializers::Json, durability::None>, false>(cases, at, "memory-json", options);
  add<Store<drivers::Memory, serializers::Journal, durability::None>, false>(cases, at, "memory-journal",
                                                                             options);
  add<Store<drivers::Vfs, serializers::Json, durability::None>, true>(cases, at, "vfs-json", options);
  add<Store<drivers::Vfs, serializers::Journal, durability::None>, true>(cases, at, "vfs-journal", options);
  return fault_injection::Runner("allocations", std::move(cases), options).run() ? 0 : 1;
} catch (std::exception const& error) {
  std::cout << "not ok allocations: " << error.what() << '\n';
  return 1;
}

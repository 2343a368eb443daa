#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/testing/fault_driver.hpp>

#include "stores.hpp"

using namespace strata;

namespace {

using Faulty = testing::FaultDriver<drivers::Vfs>;
using FaultyStore = Store<Faulty, serializers::Json, durability::None>;

/// Every record has its bytes, every directory its record, and nothing is left staged.
void check_whole(fs::path const& graph, stores::Vfs& store) {
  std::vector<std::string> recorded;
  for (auto const& layer : store.layers().list()) {
    recorded.push_back(layer.id().str());
    CHECK(fs::is_directory(graph / "vfs/dir" / recorded.back()));
    if (!layer.record().diff_digest.empty())
      CHECK(Digest::of(as_bytes(stores::diff_of(layer))).str() == layer.record().diff_digest);
    if (!layer.record().parent.empty()) CHECK(store.layers().exists(layer.record().parent));
  }
  for (auto const& container : store.containers().list())
    CHECK(store.layers().exists(container.record().layer));
  for (auto const& image : store.images().list()) CHECK(store.layers().exists(image.record().top_layer));
  for (auto const* root : {"vfs/tempdirs", "vfs-layers/tmp"})
    if (fs::exists(graph / root)) CHECK(fs::is_empty(graph / root));
}

}  // namespace

TEST_CASE("whichever step of the driver fails, the store is consistent", "[store][faults]") {
  auto const tar = stores::tar_of({{"dir/", ""}, {"dir/file", std::string(10'000, 'x')}, {"other", "y"}});
  int failed = 0;
  for (int fail_at = 0;; ++fail_at) {
    testing::TempDir directory;
    bool done = true;
    {
      FaultyStore store({.graph_root = directory.path() / "g",
                         .run_root = directory.path() / "r",
                         .driver = {.base = {}, .fail_at = fail_at}});
      auto const attempt = [&](auto&& call) {
        if (!done) return;
        try {
          call();
        } catch (Error const& error) {
          CHECK(error.code() == std::errc::io_error);
          done = false;
        }
      };
      attempt([&] { store.layers().import(memory_source(tar), {.id = "base"}); });
      attempt([&] { store.layers().import(memory_source(tar), {.id = "top", .parent = "base"}); });
      attempt([&] { store.images().create({.id = "image", .top_layer = "top"}); });
      attempt([&] { store.containers().create("image", {.id = "box"}); });
      attempt([&] { store.layers().get("top").apply(memory_source(tar)); });
      attempt([&] { store.containers().remove("box"); });
      attempt([&] { store.images().remove("image"); });
    }
    INFO("step " << fail_at);
    failed += done ? 0 : 1;
    stores::Vfs store({.graph_root = directory.path() / "g", .run_root = directory.path() / "r"});
    check_whole(directory.path() / "g", store);
    // Whatever was left, the store takes the same work again.
    store.wipe();
    store.layers().import(memory_source(tar), {.id = "base"});
    check_whole(directory.path() / "g", store);
    if (done) break;  // the fault lay past the last step: every one has been tried
  }
  CHECK(failed > 15);
}

TEST_CASE("whichever step of a wipe fails, the remaining items are complete", "[store][faults]") {
  int failed = 0;
  for (int fail_at = 0;; ++fail_at) {
    testing::TempDir directory;
    bool done = true;
    {
      auto const steps = std::make_shared<int>(0);
      FaultyStore store({.graph_root = directory.path() / "g",
                         .run_root = directory.path() / "r",
                         .driver = {.base = {}, .fail_at = 1000 + fail_at, .steps = steps}});
      store.layers().create({.id = "base"});
      store.layers().create({.id = "top", .parent = "base"});
      store.layers().create({.id = "spare", .parent = "base"});
      store.layers().create({.id = "lone"});
      store.images().create({.id = "image", .top_layer = "top"});
      store.images().create({.id = "other", .top_layer = "lone"});
      store.containers().create("image", {.id = "box"});
      store.containers().create("other", {.id = "box2"});
      *steps = 1000;
      try {
        store.wipe();
      } catch (Error const& error) {
        CHECK(error.code() == std::errc::io_error);
        done = false;
      }
    }
    INFO("step " << fail_at);
    failed += done ? 0 : 1;
    stores::Vfs store({.graph_root = directory.path() / "g", .run_root = directory.path() / "r"});
    auto const left = check(store);
    for (auto const& found : left.problems) CHECK(found.text == "");
    store.wipe();
    CHECK(store.layers().list().empty());
    if (done) break;
  }
  CHECK(failed > 5);
}

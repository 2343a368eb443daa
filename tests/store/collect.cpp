#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/store/collect.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include "tools/flushed.hpp"
#include "tools/syscall_tracer.hpp"
#include <cstddef>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

using namespace strata;

namespace {

/// Does `change` in processes that die at one call after the other that changes files, each in a store made by `make`;
/// `look` sees what the next opener finds.
template <class Make, class Change, class Look>
void die_at_each_call(Make const& make, Change const& change, Look const& look) {
  for (std::size_t at = 1;; ++at) {
    testing::TempDir directory;
    auto const open = [&] {
      return stores::Vfs({.graph_root = directory.path() / "graph", .run_root = directory.path() / "run"});
    };
    {
      auto store = open();
      make(store);
    }
    std::size_t calls = 0;
    auto const outcome = tools::trace(
        [&] {
          auto store = open();
          change(store);
          return 0;
        },
        tools::changing_calls(),
        [&](tools::SystemCall const& call) {
          return tools::Decision{.kill = !call.only_opens() && ++calls == at};
        });
    INFO("call " << at);
    auto store = open();
    look(store);
    if (!outcome.killed) {
      CHECK(outcome.ended_well());
      CHECK(at > 10);
      return;
    }
  }
}

}  // namespace

TEST_CASE("removal of an image with its layers is atomic under crashes", "[store][collect]") {
  bool gone = false;
  die_at_each_call(
      [](auto& store) {
        std::string parent;
        for (auto const* id : {"one", "two", "three", "four"}) {
          store.layers().create({.id = id, .names = {std::string("name-") + id}, .parent = parent});
          parent = id;
        }
        store.images().create({.id = "image", .top_layer = "four"});
      },
      [](auto& store) { store.images().remove("image"); },
      [&](auto& store) {
        gone = store.images().list().empty();
        CHECK(store.layers().list().size() == (gone ? 0 : 4));
        CHECK(check(store).sound());
      });
  CHECK(gone);
}

TEST_CASE("items with ids of maximal length are complete or gone after a crash", "[store][collect]") {
  std::string const id(255, 'i');
  bool gone = false;
  die_at_each_call(
      [&](auto& store) {
        store.layers().create({.id = id});
        store.images().create({.id = id, .top_layer = id}).big_data().set("key", "old");
      },
      [&](auto& store) {
        store.images().get(id).big_data().set("key", "other");
        store.images().remove(id);
      },
      [&](auto& store) {
        auto images = store.images().list();
        gone = images.empty();
        for (auto& image : images) {
          auto const data = image.big_data().get("key");
          CHECK((data == "old" || data == "other"));
        }
        CHECK(store.layers().list().size() == (gone ? 0 : 1));
        CHECK(check(store).problems.empty());
      });
  CHECK(gone);
}

TEST_CASE("a layer that was given a name since is not collected with its former image", "[store][collect]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto layer = store.layers().create({.id = "layer", .names = {"old"}});
  {
    auto staging = log_intents(layer.core(), {spare_intent(layer.record())});
    staging.leave();
  }
  SECTION("a name") {
    layer.add_names({"new"});
    CHECK(stores::Vfs(fixture.options()).layers().exists("layer"));
  }
  SECTION("none") { CHECK_FALSE(stores::Vfs(fixture.options()).layers().exists("layer")); }
}

TEST_CASE("a collection that failed for a transient reason is retried by the same object",
          "[store][collect]") {
  struct Short : drivers::Vfs {
    using Vfs::Vfs;
    Trash remove(LayerId const& id) {
      if (*is_short) throw Error(std::make_error_code(std::errc::too_many_files_open), "open " + id.str());
      return Vfs::remove(id);
    }
    std::shared_ptr<bool> is_short = std::make_shared<bool>(false);
  };
  stores::Fixture<Store<Short, serializers::Json>> fixture;
  auto& store = fixture.store;
  auto const layer = store.layers().create({.id = "layer"});
  auto& core = layer.core();
  auto& is_short = *core.driver().is_short;
  log_intents(core, {{IntentKind::layer_files, "gone"}}).leave();
  core.collect_again();
  is_short = true;
  CHECK(store.layers().exists("layer"));
  CHECK(sys::StagingDirectory::look(core.layer_trash()).size() == 1);
  is_short = false;
  CHECK(store.layers().exists("layer"));
  CHECK(sys::StagingDirectory::look(core.layer_trash()).empty());
}

TEMPLATE_TEST_CASE("recovery flushes records before it changes files because of what they tell",
                   "[store][collect]", stores::DurableVfs, stores::DurableJournal) {
  stores::Fixture<TestType> fixture;
  auto image = fixture.store.images().create({.id = "image"});
  image.big_data().set("key", "text");
  image.big_data().erase("key");
  auto dead = sys::StagingDirectory::create(fixture.graph() / "vfs-layers/tmp");
  sys::replace_file(dead.path() / "erase-intent", "key");
  dead.note(intent_text({IntentKind::image_data, "image"}));
  dead.leave();
  bool const in_log = fs::exists(fixture.graph() / paths::journal);
  auto const records = fixture.graph() / (in_log ? std::string(paths::journal) : "vfs-images/images.json");
  auto const flushed =
      tools::flushed_by([&] { static_cast<void>(TestType(fixture.options()).images().list()); });
  CHECK(tools::place_of(records, flushed) < tools::place_of(fixture.graph() / "vfs-images/image", flushed));
  CHECK(tools::place_of(fixture.graph() / "vfs-images/image", flushed) != flushed.size());
  CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
}

TEST_CASE("garbage is removed after the records that do not name it are flushed", "[store][collect]") {
  stores::Fixture<stores::DurableJournal> fixture;
  fixture.store.images().create({.id = "image"});
  auto const left = fixture.graph() / "vfs-images/left/file";
  fs::create_directories(left.parent_path());
  fs::ofstream(left) << "garbage";
  CHECK(tools::flushes(fixture.graph() / paths::journal, [&] {
    stores::DurableJournal store(fixture.options());
    static_cast<void>(detail::discard_garbage(store.core(), {left.parent_path()}));
  }));
}

TEST_CASE("recovery of a store that flushes nothing flushes nothing", "[store][collect]") {
  stores::Fixture<stores::Vfs> fixture;
  auto image = fixture.store.images().create({.id = "image"});
  auto dead = sys::StagingDirectory::create(fixture.graph() / "vfs-layers/tmp");
  sys::replace_file(dead.path() / "erase-intent", "key");
  dead.note(intent_text({IntentKind::image_data, "image"}));
  dead.leave();
  CHECK(
      tools::flushed_by([&] { static_cast<void>(stores::Vfs(fixture.options()).images().list()); }).empty());
  CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
}

#include <strata/fs.hpp>
#include <strata/store/content_intent.hpp>

#include "stores.hpp"
#include "tools/flushed.hpp"
#include <algorithm>
#include <fstream>

using namespace strata;

namespace {

/// A layer whose contents a process was about to exchange when it died; what another program did then, which knows nothing
/// of intent records, is up to the test.
struct DeadExchange {
  stores::Fixture<stores::DurableVfs> fixture;
  LayerRecord before = {};
  LayerRecord after = {};
  fs::path waiting = {};  ///< the new tar-split

  DeadExchange() {
    auto const layer = fixture.store.layers().create({.id = "layer"});
    before = after = layer.record();
    after.diff_digest = after.compressed_diff_digest = Digest::of(as_bytes("tar")).str();
    after.diff_size = after.compressed_size = 3;
    auto& core = layer.core();
    auto staging = sys::StagingDirectory::create(core.layer_trash());
    waiting = staging.next_addition();
    sys::replace_file(waiting, "of the dead");
    REQUIRE(log_content_intent(core, staging, before, after, waiting));
    staging.leave();
  }
  fs::path tree() const { return fixture.graph() / "vfs/dir/layer"; }
  fs::path archive() const { return fixture.graph() / "vfs-layers/layer.tar-split.gz"; }

  void exchange_tree() const {
    fs::rename(tree(), fixture.graph() / "former");  // stays, that the new one gets another number
    fs::create_directory(tree());
  }
  void put(LayerRecord record) {
    auto layers =
        fixture.store.layers().get("layer").core().table<stores::DurableVfs::Core::LayerTraits>().write();
    layers.put(std::move(record));
    layers.commit(Flush::none);
  }
  /// What the next process that opens the store finds.
  LayerRecord found() {
    stores::DurableVfs store(fixture.options());
    auto const record = store.layers().get("layer").record();
    CHECK(sys::StagingDirectory::look(fixture.graph() / "vfs-layers/tmp").empty());
    return record;
  }
};

}  // namespace

TEST_CASE("interrupted replacement of contents leaves the old or the new ones", "[store][content_intent]") {
  DeadExchange interrupted;
  bool const exchanged = GENERATE(false, true);
  if (exchanged) interrupted.exchange_tree();
  CHECK(has_archive_fields_of(interrupted.found(), exchanged ? interrupted.after : interrupted.before));
  CHECK(fs::exists(interrupted.archive()) == exchanged);
}

TEST_CASE("recovery flushes contents that a dead process exchanged or was about to",
          "[store][content_intent]") {
  DeadExchange interrupted;
  auto const got_to = GENERATE(0, 1, 2);  // nothing, the tree, all
  if (got_to > 0) interrupted.exchange_tree();
  if (got_to > 1) {
    fs::rename(interrupted.waiting, interrupted.archive());
    interrupted.put(interrupted.after);
  }
  auto const flushed = tools::flushed_by(
      [&] { static_cast<void>(stores::DurableVfs(interrupted.fixture.options()).layers().list()); });
  CHECK(tools::place_of(interrupted.tree().parent_path(), flushed) != flushed.size());
  // once for what the records told, and once for what was done
  CHECK(std::ranges::count(flushed, fs::canonical(interrupted.archive().parent_path())) >= 2);
  CHECK(has_archive_fields_of(interrupted.found(), got_to > 0 ? interrupted.after : interrupted.before));
}

TEST_CASE("a new layer of the same id is left alone by an older intent record", "[store][content_intent]") {
  DeadExchange interrupted;
  interrupted.exchange_tree();
  auto anew = interrupted.before;
  anew.created = {.seconds = 1'700'000'000};
  interrupted.put(anew);
  CHECK(interrupted.found().diff_digest.empty());
  CHECK_FALSE(fs::exists(interrupted.archive()));
}

TEST_CASE("an archive that another program applied again meanwhile stays recorded",
          "[store][content_intent]") {
  DeadExchange interrupted;
  if (GENERATE(false, true)) {  // died with the new contents in place
    interrupted.exchange_tree();
    fs::rename(interrupted.waiting, interrupted.archive());
  }
  sys::replace_file(interrupted.archive(), "of the other program");
  interrupted.put(interrupted.after);
  CHECK(interrupted.found().diff_digest == interrupted.after.diff_digest);
  CHECK(sys::read_file(interrupted.archive()) == "of the other program");
}

#include <strata/fs.hpp>
#include <strata/store/apply_in_place.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <string>
#include <utility>

namespace fs = boost::filesystem;
using namespace strata;
using stores::code_of;
using stores::diff_of;
using stores::tar_of;

namespace {

std::string const stream = tar_of({{"d/", ""}, {"d/new", "new"}, {".wh.gone", ""}, {"top", "t"}});

/// A layer over another one, mounted and written to.
template <class S>
class Mounted : public stores::Fixture<S> {
 public:
  using stores::Fixture<S>::store;
  Mounted() {
    store.layers().import(memory_source(tar_of({{"d/", ""}, {"d/old", "old"}, {"gone", "g"}})),
                          {.id = "base"});
    layer = store.layers().create({.id = "layer", .parent = "base"});
    mount = layer->mount();
    fs::ofstream(mount->path() / "d/written") << "w";
  }
  ~Mounted() { mount.reset(); }

  /// What the mount shows, and whether the layer is sound.
  void check_new(fs::path const& shown) {
    CHECK(sys::read_file(shown / "d/new") == "new");
    CHECK(sys::read_file(shown / "top") == "t");
    CHECK(sys::read_file(shown / "d/old") == "old");
    CHECK(sys::read_file(shown / "d/written") == "w");
    CHECK_FALSE(fs::exists(shown / "gone"));
    CHECK(store.layers().get("layer").record().diff_size == static_cast<std::int64_t>(stream.size()));
    CHECK(diff_of(store.layers().get("layer")) == stream);
    auto const trash = store.layers().get("layer").core().layer_trash();
    CHECK((!fs::exists(trash) || fs::is_empty(trash)));
  }

  std::optional<typename S::Layer> layer;
  std::optional<MountPoint<typename S::Core>> mount;
};

template <class S>
bool can_run() {
  if (S::Core::Driver::name() != "overlay" || ::geteuid() == 0) return true;
  WARN("skipped: overlay mounts need root");
  return false;
}

}  // namespace

TEMPLATE_TEST_CASE(
    "an archive applied to a mounted layer appears in the mount, beside what was written there",
    "[store][apply_in_place]", stores::Vfs, stores::Overlay) {
  if (!can_run<TestType>()) return;
  Mounted<TestType> mounted;
  auto const file = sys::open_at(AT_FDCWD, mounted.mount->path() / "d/written", O_RDWR);
  mounted.layer->apply(memory_source(stream));
  mounted.check_new(mounted.mount->path());
  sys::write_all(file.get(), as_bytes("W"));  // who has a file open goes on writing to that of the layer
  CHECK(sys::read_file(mounted.mount->path() / "d/written") == "W");
  CHECK(mounted.layer->mount_count() == 1);
  mounted.mount.reset();
  auto const again = mounted.layer->mount();
  CHECK(sys::read_file(again.path() / "d/new") == "new");
  CHECK_FALSE(fs::exists(again.path() / "gone"));
}

TEST_CASE("an archive applied to a layer below a mounted one appears in the mount",
          "[store][apply_in_place]") {
  if (!can_run<stores::Overlay>()) return;
  Mounted<stores::Overlay> mounted;
  mounted.store.layers().get("base").apply(memory_source(tar_of({{"later", "l"}})));
  CHECK(sys::read_file(mounted.mount->path() / "later") == "l");
  CHECK(sys::read_file(mounted.mount->path() / "d/old") == "old");
  CHECK(diff_of(mounted.store.layers().get("base")) == tar_of({{"later", "l"}}));
}

TEST_CASE("a whiteout that hides nothing is not created in a mounted layer either",
          "[store][apply_in_place]") {
  if (!can_run<stores::Overlay>()) return;
  Mounted<stores::Overlay> mounted;
  mounted.layer->apply(memory_source(tar_of({{".wh.never", ""}, {"d/.wh.old", ""}})));
  auto const own = mounted.options().graph_root / "overlay/layer/diff";
  CHECK(fs::symlink_status(own / "never").type() == fs::file_not_found);
  CHECK(fs::symlink_status(own / "d/old").type() == fs::character_file);
}

TEMPLATE_TEST_CASE("a stream that cannot be unpacked does not change a mounted layer",
                   "[store][apply_in_place]", stores::Vfs, stores::Overlay) {
  if (!can_run<TestType>()) return;
  Mounted<TestType> mounted;
  mounted.layer->apply(memory_source(tar_of({{"first", "1"}})));
  auto const before = mounted.layer->record();
  CHECK(code_of([&] { mounted.layer->apply(memory_source(stream.substr(0, 1600))); }).value() != 0);
  CHECK_FALSE(fs::exists(mounted.mount->path() / "d/new"));
  auto const now = mounted.store.layers().get("layer");
  CHECK(now.record().diff_digest == before.diff_digest);
  CHECK(diff_of(now) == tar_of({{"first", "1"}}));
}

TEMPLATE_TEST_CASE("an archive that a dead process was applying to a mounted layer is applied completely",
                   "[store][apply_in_place]", stores::Vfs, stores::Overlay) {
  if (!can_run<TestType>()) return;
  Mounted<TestType> mounted;
  auto& core = mounted.layer->core();
  std::string kept = stream;
  bool const made_anew = GENERATE(false, true);
  {
    auto const& record = mounted.layer->record();
    auto staging = sys::StagingDirectory::create(core.layer_trash());
    auto const made = made_anew ? Timestamp{} : record.created;
    sys::replace_file(staging.path() / (std::string(detail::kept_stream) + made.str()), kept, {});
    detail::begin_in_place(core, record, staging);
    SECTION("another cannot begin meanwhile") {
      CHECK(code_of([&] { mounted.layer->apply(memory_source(stream)); }) == Errc::changed_meanwhile);
    }
    SECTION("before its first entry") {}
    SECTION("after some") {
      auto tree = core.driver().in_place(LayerId("layer"), {});
      auto source = memory_source(stream);
      archive::TarReader tar(source);
      archive::TarHeader header;
      for (int i = 0; i < 3 && tar.next(header); ++i) tree.add(header, tar);
    }
    staging.leave();
  }
  TestType next(mounted.options());
  static_cast<void>(next.layers().list());
  if (!made_anew) return mounted.check_new(mounted.mount->path());
  // That was another layer of this id, which has gone.
  CHECK(next.layers().get("layer").record().diff_digest.empty());
  CHECK_FALSE(fs::exists(mounted.mount->path() / "top"));
}

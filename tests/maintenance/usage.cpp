#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/maintenance/garbage.hpp>
#include <strata/maintenance/repair.hpp>
#include <strata/maintenance/usage.hpp>

#include <catch2/catch.hpp>

#include "damages.hpp"
#include "store/stores.hpp"
#include <cstdio>
#include <fcntl.h>
#include <linux/fs.h>
#include <memory>
#include <sys/ioctl.h>

using namespace strata;

namespace {

std::uint64_t du(fs::path const& path) {
  std::unique_ptr<std::FILE, decltype([](std::FILE* f) { ::pclose(f); })> const pipe(
      ::popen(("du -B1 -sx '" + path.native() + "'").c_str(), "r"));
  unsigned long long bytes = 0;
  REQUIRE(std::fscanf(pipe.get(), "%llu", &bytes) == 1);
  return bytes;
}

void check_sums(UsageReport const& usage, fs::path const& root) {
  CHECK(usage.bytes == du(root));
  CHECK(usage.of(UsageClass::referenced) + usage.of(UsageClass::staged) + usage.of(UsageClass::trash) +
            usage.of(UsageClass::orphan) ==
        usage.bytes);
  std::uint64_t sum = 0;
  for (auto const& share : usage.shares) sum += share.bytes;
  CHECK(sum == usage.bytes);
}

std::uint64_t bytes_of(UsageReport const& usage, fs::path const& path) {
  for (auto const& share : usage.shares)
    if (share.claim.path == path) return share.bytes;
  return 0;
}

}  // namespace

TEMPLATE_TEST_CASE("usage classes add up to the output of du, and orphans are garbage", "[store][usage]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  TestType store(sample.options());
  // Not a temporary file, if it looks like one.
  store.images().get(sample.image).big_data().set(".tmp-", "data");
  damages::age(sample.kind("images") / sample.image / ".tmp-");
  auto const clean = measure_usage(store);
  check_sums(clean, sample.graph());
  CHECK(clean.of(UsageClass::orphan) == 0);
  CHECK(clean.of(UsageClass::trash) == 0);
  CHECK(clean.of(UsageClass::staged) == 0);
  CHECK(bytes_of(clean, sample.split(sample.base)) > 0);

  std::string const generated(64, 'a'), elsewhere(64, 'b');
  damages::write(sample.split(generated), std::string(10'000, 'x'));
  fs::create_directories(sample.tree(generated));
  damages::write(sample.split(elsewhere), std::string(10'000, 'x'));
  fs::create_directories(sample.tree("raw") / "d");
  damages::write(sample.tree("raw") / "d/large", std::string(100'000, 'x'));
  fs::create_hard_link(sample.tree("raw") / "d/large", sample.tree("raw") / "again");
  damages::write(sample.graph() / "of-podman", std::string(5'000, 'x'));
  damages::write(sample.kind("images") / ".tmp-manifest1", std::string(20'000, 'x'));
  damages::age(sample.kind("images") / ".tmp-manifest1");
  auto const temp_dirs = sample.kind("layers") / "tmp";
  fs::create_directories(temp_dirs / "temp-dir-1/0-x");
  damages::write(temp_dirs / "temp-dir-1/0-x/file", std::string(30'000, 'x'));
  auto living = sys::StagingDirectory::create(temp_dirs);
  damages::write(living.next_addition(), std::string(40'000, 'x'));
  auto const usage = measure_usage(store);
  check_sums(usage, sample.graph());
  CHECK(usage.of(UsageClass::orphan) > 110'000);
  CHECK(usage.of(UsageClass::trash) > 50'000);
  CHECK(usage.of(UsageClass::staged) > 40'000);
  CHECK(usage.of(UsageClass::referenced) >= clean.of(UsageClass::referenced) + 5'000);

  auto const planned = collect_garbage(store, {.dry_run = true});
  CHECK(planned.bytes > 160'000);
  CHECK(fs::exists(sample.tree("raw")));
  auto const done = collect_garbage(store);
  CHECK_FALSE(done.first_error);
  CHECK(done.bytes == planned.bytes);
  CHECK_FALSE(fs::exists(sample.tree("raw")));
  CHECK_FALSE(fs::exists(sample.split(generated)));
  // Its layer may be in an image store that is not there.
  CHECK(fs::exists(sample.split(elsewhere)));
  fs::remove(sample.split(elsewhere));
  CHECK(fs::exists(living.path()));
  auto const after = measure_usage(store);
  check_sums(after, sample.graph());
  CHECK(after.of(UsageClass::orphan) == 0);
  CHECK(after.of(UsageClass::trash) == 0);
  CHECK(collect_garbage(store).items.empty());
}

TEMPLATE_TEST_CASE("files that an unreadable record may refer to are not garbage", "[store][usage][garbage]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  // As of a release that writes names in another way.
  for (auto const& file : {sample.layers(), sample.images(), sample.containers()}) {
    auto text = sys::read_file(file);
    while (text.find("\"names\":[") != text.npos)
      text.replace(text.find("\"names\":["), 9, "\"names\":7,\"n\":[");
    damages::write(file, text);
  }
  auto const before = stores::files_below(sample.graph());
  TestType store(sample.options());
  for (auto const& item : collect_garbage(store).items) CHECK(item.claim.path == "");
  CHECK(stores::files_below(sample.graph()) == before);
  CHECK(stores::code_of([&] { store.layers().create({.id = sample.base}); }) == Errc::corrupt_record);
  CHECK(stores::code_of([&] { store.images().create({.id = sample.image}); }) == Errc::corrupt_record);
  CHECK(stores::code_of([&] { store.containers().create("", {.id = sample.box}); }) == Errc::corrupt_record);
  CHECK(stores::files_below(sample.graph()) == before);
  store.images().create({.id = "another"});
}

TEMPLATE_TEST_CASE("intents of a dead process stay while an unreadable record may refer to their items",
                   "[store][usage][garbage]", stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const spare = [&] {
    TestType store(sample.options());
    return store.layers().create({}).id().str();
  }();
  auto const records = sys::read_file(sample.containers());
  auto text = records;
  text.replace(text.find("\"names\":["), 9, "\"names\":7,\"n\":[");
  damages::write(sample.containers(), text);
  auto const temp = sample.kind("layers") / "tmp/temp-dir-1";
  fs::create_directories(temp);
  for (auto const& note : {"spare-" + sample.box_layer, "container-" + sample.box, "spare-" + spare})
    damages::write(temp / ("0-note-" + note), "");
  {
    TestType store(sample.options());
    CHECK(store.layers().list().size() == 6);
    CHECK(fs::exists(sample.kind("containers") / sample.box / "state"));
  }
  damages::write(sample.containers(), records);
  TestType store(sample.options());
  CHECK(store.layers().list().size() == 5);
  CHECK_FALSE(store.layers().find(spare));
  CHECK(store.containers().get("box").big_data().get("state") == "created");
  CHECK_FALSE(fs::exists(temp));
}

TEMPLATE_TEST_CASE("files of a layer without a record are kept while mounted", "[store][usage][garbage]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> const sample;
  auto const layers = sys::read_file(sample.layers());
  auto const containers = sys::read_file(sample.containers());
  auto const lost = [&] {
    TestType store(sample.options());
    auto const container = store.containers().create("image");
    container.mount().keep();
    return container.record().layer;
  }();
  damages::write(sample.layers(), layers);
  damages::write(sample.containers(), containers);
  TestType store(sample.options());
  REQUIRE(store.mounted_layers().size() == 1);
  CHECK_FALSE(collect_garbage(store).first_error);
  CHECK(fs::exists(sample.tree(lost)));
  CHECK(store.mounted_layers().size() == 1);
  store.shutdown({.force = true});
  CHECK_FALSE(collect_garbage(store).first_error);
  CHECK_FALSE(fs::exists(sample.tree(lost)));
}

TEST_CASE("intents of a dead process are completed before their directory is removed", "[store][usage]") {
  damages::Sample<stores::Vfs> const sample;
  stores::Vfs store(sample.options());
  auto const layer = store.layers().create({.id = "spare"});  // which a dead one made for a container
  auto left = log_intents(layer.core(), {spare_intent(layer.record())});
  auto const notes = left.path();
  left.leave();
  auto const report = collect_garbage(store);
  CHECK_FALSE(report.first_error);
  CHECK_FALSE(fs::exists(notes));
  CHECK_FALSE(store.layers().exists("spare"));
}

TEST_CASE("garbage that could not be removed is not reported as removed", "[store][usage]") {
  damages::Sample<stores::Vfs> const sample;
  stores::Vfs store(sample.options());
  auto const temp_dirs = sample.kind("layers") / "tmp";
  auto const kept = temp_dirs / "temp-dir-1/kept";
  fs::create_directories(kept.parent_path());
  damages::write(kept, "x");
  auto const set_immutable = [&](int flags) {
    auto const file = sys::open_at(AT_FDCWD, kept, O_RDONLY);
    return ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) == 0;
  };
  if (!set_immutable(FS_IMMUTABLE_FL)) {
    WARN("skipped: needs the right, and a file system, to make a file immutable");
    return;
  }
  auto const done = collect_garbage(store);
  CHECK(set_immutable(0));
  CHECK(done.first_error);
  CHECK(done.items.empty());
  CHECK(fs::exists(kept));
  CHECK(collect_garbage(store).items.size() == 1);
  CHECK_FALSE(fs::exists(kept));
}

TEMPLATE_TEST_CASE("data of an item that a live process is creating is not garbage", "[store][garbage]",
                   stores::Vfs, stores::Overlay) {
  damages::Sample<TestType> sample;
  TestType store(sample.options());
  std::string const id(64, 'e');
  auto const data = sample.kind("images") / id;
  fs::create_directory(data);
  damages::write(data / "manifest", "{}");
  auto maker = sys::StagingDirectory::create(sample.kind("layers") / "tmp");
  maker.note("image-" + id);
  CHECK(collect_garbage(store).items.empty());
  CHECK(check(store).clean());
  CHECK(repair(store).actions == std::vector<std::string>{});
  CHECK(fs::exists(data / "manifest"));
  CHECK(measure_usage(store).of(UsageClass::staged) > 0);
  maker.remove();
  CHECK(collect_garbage(store).items.size() == 1);
  CHECK_FALSE(fs::exists(data));
}

TEMPLATE_TEST_CASE("a layer without a record is not garbage while another one needs it or it is mounted",
                   "[store][usage][garbage]", stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) return;
  damages::Sample<TestType> const sample;
  auto const records = sys::read_file(sample.layers());
  TestType store(sample.options());
  auto const mount = store.containers().get("box").mount();
  damages::edit(sample.layers(), sample.base, std::string(64, 'b'));
  CHECK(collect_garbage(store).items.empty());
  CHECK(fs::exists(sample.tree(sample.base) / "two"));
  damages::write(sample.layers(), "[]");
  damages::write(sample.images(), "[]");
  damages::write(sample.containers(), "[]");
  collect_garbage(store);
  CHECK(sys::read_file(mount.path() / "d/three") == "333");
  damages::write(sample.layers(), records);
}

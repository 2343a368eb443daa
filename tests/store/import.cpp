#include <strata/codec/all.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/store/import.hpp>

#include <boost/filesystem/fstream.hpp>

#include "stores.hpp"
#include <algorithm>
#include <chrono>
#include <concepts>
#include <functional>
#include <optional>
#include <sys/mount.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

using namespace strata;
using stores::code_of;
using stores::diff_of;
using stores::Fixture;
using stores::tar_of;

namespace {

std::string compressed(Compression how, std::string const& plain) {
  std::string out;
  auto encoder = codec::All::compress(how, string_sink(out));
  encoder->write(as_bytes(plain));
  encoder->finish();
  return out;
}

struct Failing {
  explicit Failing(std::string first) : first_(std::move(first)) {}
  Bytes next() {
    if (calls_++ == 0) return as_bytes(first_);
    throw Error(std::make_error_code(std::errc::io_error), "read source");
  }
  std::string first_;
  int calls_ = 0;
};

/// Something else happens when it is first read.
struct Interrupting {
  Bytes next() {
    if (std::exchange(asked_, true)) return {};
    interrupt_();
    return as_bytes(tar_);
  }
  std::string tar_;
  std::function<void()> interrupt_;
  bool asked_ = false;
};

}  // namespace

TEMPLATE_TEST_CASE("a layer is exported byte for byte as it was imported", "[store][import][export]",
                   stores::Vfs, stores::Journal, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  auto const tar =
      tar_of({{"etc/", ""}, {"etc/hostname", "box\n"}, {"empty", ""}, {"big", std::string(300'000, 'x')}}) +
      std::string(7000, '\0') + "what follows the end";
  auto const base = layers.import(memory_source(tar), {.id = "base", .names = {"name"}});
  CHECK(diff_of(base) == tar);
  CHECK(base.record().diff_digest == Digest::of(as_bytes(tar)).str());
  CHECK(base.record().compressed_diff_digest == base.record().diff_digest);
  CHECK(base.record().diff_size == static_cast<std::int64_t>(tar.size()));
  CHECK(base.record().compression == 0);
  CHECK(base.record().uidset == std::vector<std::uint32_t>{0});
  CHECK(base.size() == static_cast<std::int64_t>(tar.size()));

  auto const changes = tar_of({{"etc/", ""}, {"etc/.wh.hostname", ""}, {"etc/new", "1"}});
  for (auto const how : {Compression::gzip, Compression::zstd}) {
    auto const input = compressed(how, changes);
    auto const child = layers.import(memory_source(input), {.parent = "base"});
    CHECK(child.record().compression == static_cast<int>(how));
    CHECK(child.record().compressed_size == static_cast<std::int64_t>(input.size()));
    CHECK(child.record().compressed_diff_digest == Digest::of(as_bytes(input)).str());
    CHECK(diff_of(child, DiffOptions{.compression = Compression::none}) == changes);
    auto const again =
        layers.import(memory_source(diff_of(child)), {.parent = "base"});  // in the recorded compression
    CHECK(again.record().diff_digest == child.record().diff_digest);
    CHECK(again.record().compression == child.record().compression);
  }
}

TEMPLATE_TEST_CASE("an empty stream makes an empty layer", "[store][import]", stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto const layer = fixture.store.layers().import(memory_source(""));
  CHECK(layer.record().diff_digest == Digest::of({}).str());
  CHECK(layer.record().diff_size == 0);
  CHECK(diff_of(layer).empty());
}

TEMPLATE_TEST_CASE("a failed import leaves nothing", "[store][import]", stores::Vfs, stores::Journal,
                   stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.create({.id = "other", .names = {"taken"}});
  auto const before = stores::files_below(fixture.graph());
  auto const tar = tar_of({{"a/", ""}, {"a/file", std::string(100'000, 'y')}});

  CHECK(code_of([&] { layers.import(memory_source(tar.substr(0, 50'000))); }) == Errc::corrupt_archive);
  CHECK(code_of([&] { layers.import(memory_source(compressed(Compression::gzip, tar).substr(0, 100))); }) ==
        Errc::corrupt_archive);
  CHECK(code_of([&] {
          layers.import(memory_source("this is no archive at all" + std::string(1000, 'z')));
        }) == Errc::corrupt_archive);
  CHECK(code_of([&] { layers.import(Failing(tar.substr(0, 2048))); }) == std::errc::io_error);
  CHECK(code_of([&] { layers.import(memory_source(tar), {.names = {"taken"}}); }) == Errc::duplicate_name);
  CHECK(code_of([&] { layers.import(memory_source(tar), {.parent = "nothing"}); }) == Errc::layer_unknown);
  CHECK(code_of([&] { layers.import(memory_source(tar), {.claimed_digest = Digest::of({}).str()}); }) ==
        Errc::digest_mismatch);
  CHECK(code_of([&] { layers.import(memory_source(tar), {.limits = {.plain_bytes = 10'000}}); }) ==
        Errc::over_budget);
  CHECK(code_of([&] { layers.import(memory_source(tar), {.limits = {.entries = 1}}); }) == Errc::over_budget);
  std::stop_source stop;
  stop.request_stop();
  CHECK(code_of([&] { layers.import(memory_source(tar), {.stop = stop.get_token()}); }) == Errc::stopped);

  CHECK(layers.list().size() == 1);
  CHECK(stores::files_below(fixture.graph()) == before);
}

TEMPLATE_TEST_CASE("progress is monotonic and ends at the size of the input", "[store][import]",
                   stores::Vfs) {
  Fixture<TestType> fixture;
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 500; ++i) entries.emplace_back("file" + std::to_string(i), std::string(1000, 'x'));
  auto const tar = tar_of(entries);
  Progress last;
  bool forward = true;
  fixture.store.layers().import(memory_source(tar), {.progress = [&](Progress const& now) {
                                  forward = forward && now.bytes >= last.bytes && now.entries >= last.entries;
                                  last = now;
                                }});
  CHECK(forward);
  CHECK(last.bytes == tar.size());
  CHECK(last.entries == 500);
}

namespace {
/// Gives its bytes one MiB at a time, and takes its time.
class SlowSource {
 public:
  explicit SlowSource(std::string text) : text_(std::move(text)) {}
  Bytes next() {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    auto const part = as_bytes(text_).subspan(at_).first(std::min(text_.size() - at_, std::size_t{1} << 20));
    at_ += part.size();
    return part;
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};
}  // namespace

TEST_CASE("progress is reported within one large file", "[store][import]") {
  Fixture<stores::Vfs> fixture;
  auto const tar = tar_of({{"large", std::string(std::size_t{12} << 20, 'x')}});
  std::vector<Progress> seen;
  fixture.store.layers().import(SlowSource(tar),
                                {.progress = [&](Progress const& now) { seen.push_back(now); }});
  REQUIRE(seen.size() >= 3);
  CHECK(std::ranges::is_sorted(seen, {}, &Progress::bytes));
  auto const& middle = seen[seen.size() / 2];
  CHECK(middle.bytes > 0);
  CHECK(middle.bytes < tar.size());
  CHECK(middle.entries == 0);  // the only one is being written
  CHECK(middle.total_bytes == std::nullopt);
  CHECK(seen.back().total_bytes == tar.size());
}

TEST_CASE("a file is imported by its path, and its size is known from the beginning", "[store][import]") {
  Fixture<stores::Vfs> fixture;
  auto const tar = tar_of({{"file", std::string(1'000'000, 'x')}});
  auto const file = fixture.directory.path() / "layer.tar";
  sys::replace_file(file, tar);
  std::vector<Progress> seen;
  auto const layer =
      fixture.store.layers().import(file, {.progress = [&](Progress const& now) { seen.push_back(now); }});
  CHECK(diff_of(layer) == tar);
  REQUIRE(seen.size() >= 2);
  for (auto const& now : seen) CHECK(now.total_bytes == tar.size());
  CHECK(seen.front().bytes <= seen.back().bytes);
  CHECK(fixture.store.layers().import(file.native()).record().diff_size ==
        static_cast<std::int64_t>(tar.size()));
  CHECK(code_of([&] { fixture.store.layers().import("/nothing/here"); }) ==
        std::errc::no_such_file_or_directory);
  CHECK(fixture.store.layers().list().size() == 2);
}

TEMPLATE_TEST_CASE("a stream applied to a layer replaces what is recorded of it", "[store][import]",
                   stores::Vfs, stores::Overlay) {
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.import(memory_source(tar_of({{"below", "1"}})), {.id = "base"});
  auto layer = layers.create({.id = "layer", .parent = "base"});
  auto const first = tar_of({{"one", "1"}});
  layer.apply(memory_source(first));
  CHECK(diff_of(layer) == first);
  auto const second = tar_of({{"two", "22"}});
  layer.apply(memory_source(compressed(Compression::zstd, second)));
  CHECK((diff_of(layer, DiffOptions{.compression = Compression::none}) == second));
  {
    auto const mounted = layer.mount();
    for (auto const* name : {"below", "one", "two"}) CHECK(fs::exists(mounted.path() / name));
  }
  auto const before = layer.record();
  CHECK(code_of([&] { layer.apply(memory_source(second.substr(0, 513))); }) == Errc::corrupt_archive);
  layer.refresh();
  CHECK(layer.record().diff_digest == before.diff_digest);
  CHECK((diff_of(layer, DiffOptions{.compression = Compression::none}) == second));
}

namespace {
/// Ends the process right after, or before, it has put new contents in place.
template <bool after>
struct Dying : drivers::Vfs {
  using Vfs::Vfs;
  void replace(LayerId const& id, Staged& staged) {
    if constexpr (after) Vfs::replace(id, staged);
    ::_exit(0);
  }
};
}  // namespace

TEMPLATE_TEST_CASE("a crash while an archive is applied leaves the old contents or the new",
                   "[store][import]", Dying<false>, Dying<true>) {
  using DyingStore = Store<TestType, serializers::Json, durability::None>;
  Fixture<stores::Vfs> fixture;
  fixture.store.layers().import(memory_source(tar_of({{"file", "old"}})), {.id = "layer", .names = {"name"}});
  auto const replaced = tar_of({{"file", "new!"}});
  pid_t const child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      DyingStore store({.graph_root = fixture.options().graph_root, .run_root = fixture.options().run_root});
      store.layers().get("layer").apply(memory_source(replaced));
    } catch (...) {  // it should not have come so far
    }
    ::_exit(1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);

  stores::Vfs store(fixture.options());
  auto layer = store.layers().get("name");
  auto const exported = diff_of(layer);
  CHECK(exported.find(std::same_as<TestType, Dying<true>> ? "new!" : "old") != std::string::npos);
  layer.apply(memory_source(replaced));
  CHECK(diff_of(layer) == replaced);
}

TEST_CASE("a layer is unchanged if its old tar-split cannot be moved to a staging directory",
          "[store][import]") {
  Fixture<stores::Vfs> fixture;
  auto const first = tar_of({{"one", "1"}});
  auto layer = fixture.store.layers().import(memory_source(first), {.id = "layer"});
  auto const recorded = fixture.graph() / "vfs-layers/layer.tar-split.gz";
  if (::mount(recorded.c_str(), recorded.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    WARN("skipped: needs the right to mount");
    return;
  }
  auto const code = code_of([&] { layer.apply(memory_source(tar_of({{"two", "2"}}))); });
  REQUIRE(::umount(recorded.c_str()) == 0);
  CHECK(code == std::errc::device_or_resource_busy);
  layer.refresh();
  CHECK_FALSE(layer.record().diff_digest.empty());
  CHECK(diff_of(layer) == first);
  CHECK(check(fixture.store).clean());
}

TEST_CASE("of two concurrent applies to one layer, the later to end fails", "[store][import]") {
  Fixture<stores::Vfs> fixture;
  auto layer = fixture.store.layers().create({.id = "layer"});
  auto const first = tar_of({{"one", "1"}});
  auto other = fixture.store.layers().get("layer");
  CHECK(code_of([&] {
          layer.apply(Interrupting{tar_of({{"two", "2"}}), [&] { other.apply(memory_source(first)); }});
        }) == Errc::changed_meanwhile);
  CHECK(diff_of(other) == first);
}

TEMPLATE_TEST_CASE("writes to a layer while an archive for it is read are not lost", "[store][import]",
                   stores::Vfs, stores::Overlay) {
  if (std::same_as<TestType, stores::Overlay> && ::geteuid() != 0) {
    WARN("skipped: overlay mounts need root");
    return;
  }
  Fixture<TestType> fixture;
  auto layers = fixture.store.layers();
  layers.import(memory_source(tar_of({{"below", "1"}})), {.id = "base"});
  auto layer = layers.create({.id = "layer", .parent = "base"});
  bool const is_filled = GENERATE(false, true);
  if (is_filled) layer.apply(memory_source(tar_of({{"former", "1"}})));
  using Core = typename TestType::Core;
  auto const before = detail::encode_one<Core>(layer.record());
  auto const exported = is_filled ? diff_of(layer) : std::string();
  auto const stream = tar_of({{"new", "1"}});
  std::optional<MountPoint<Core>> mount;
  auto const apply_while = [&](std::function<void(fs::path const&)> const& work) {
    auto other = fixture.store.layers().get("layer");
    return code_of([&] {
      layer.apply(Interrupting{stream, [&] {
                                 mount.emplace(other.mount());
                                 work(mount->path());
                               }});
    });
  };
  auto const check_untouched = [&] {
    auto const now = fixture.store.layers().get("layer");
    CHECK(detail::encode_one<Core>(now.record()) == before);
    if (is_filled) CHECK(diff_of(now) == exported);
    CHECK((!fs::exists(layer.core().layer_trash()) || fs::is_empty(layer.core().layer_trash())));
    mount.reset();
    mount.emplace(fixture.store.layers().get("layer").mount());
    CHECK_FALSE(fs::exists(mount->path() / "new"));
    CHECK(fs::exists(mount->path() / "former") == is_filled);
    CHECK(sys::read_file(mount->path() / "below") == "1");
  };
  SECTION("a file through a mount that has gone") {
    auto const code = apply_while([&](auto const& path) {
      fs::ofstream(path / "precious") << "p";
      mount.reset();
    });
    CHECK(code == Errc::changed_meanwhile);
    check_untouched();
    CHECK(sys::read_file(mount->path() / "precious") == "p");
    mount.reset();
  }
  SECTION("a change of a file") {
    auto const code = apply_while([&](auto const& path) {
      fs::ofstream(path / (is_filled ? "former" : "below")) << "1";
      mount.reset();
    });
    CHECK(code == Errc::changed_meanwhile);
    check_untouched();
    mount.reset();
  }
  SECTION("through a mount that is still there, before or after the stream is unpacked") {
    bool const written = GENERATE(false, true);
    auto const code = apply_while([&](auto const& path) {
      if (written) fs::ofstream(path / "precious") << "p";
    });
    CHECK(code == Errc::layer_used_by_container);
    REQUIRE(mount.has_value());
    fs::ofstream(mount->path() / "precious") << "p";
    check_untouched();
    CHECK(sys::read_file(mount->path() / "precious") == "p");
  }
  SECTION("a mount alone changes nothing") {
    CHECK_FALSE(apply_while([&](auto const&) { mount.reset(); }));
    mount.emplace(fixture.store.layers().get("layer").mount());
    CHECK(fs::exists(mount->path() / "new"));
    CHECK(diff_of(fixture.store.layers().get("layer")) == stream);
    return;
  }
  // Once more, and in place where it is mounted.
  bool const has_precious = fs::exists(fixture.store.layers().get("layer").mount().path() / "precious");
  fixture.store.layers().get("layer").apply(memory_source(stream));
  CHECK(diff_of(fixture.store.layers().get("layer")) == stream);
  mount.reset();
  mount.emplace(fixture.store.layers().get("layer").mount());
  CHECK(sys::read_file(mount->path() / "new") == "1");
  CHECK(fs::exists(mount->path() / "precious") == has_precious);
}

TEST_CASE("many threads import into one store at once", "[store][import][threads]") {
  Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const tar = tar_of({{"a/", ""}, {"a/file", std::string(50'000, 'y')}});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&, i] {
      for (int j = 0; j < 4; ++j) {
        auto layer = store.layers().import(memory_source(tar),
                                           {.names = {std::to_string(i) + '-' + std::to_string(j)}});
        layer.add_names({"x" + std::to_string(i)});
        if (j % 2 != 0) store.layers().remove(layer);
      }
    });
  threads.clear();
  auto const layers = store.layers().list();
  CHECK(layers.size() == 12);
  for (auto const& layer : layers) CHECK(diff_of(layer) == tar);
}

TEST_CASE("an empty or moved-from source is an error", "[store][import]") {
  Fixture<stores::Vfs> fixture;
  std::error_code const expected(EBADF, std::system_category());
  CHECK(code_of([&] { fixture.store.layers().import(Source{}, {.id = "none"}); }) == expected);
  auto moved = memory_source(tar_of({{"file", "old"}}));
  auto layer = fixture.store.layers().import(std::move(moved), {.id = "layer"});
  CHECK(code_of([&] { fixture.store.layers().import(std::move(moved)); }) == expected);
  CHECK(code_of([&] { layer.apply(Source{}); }) == expected);
  CHECK(fixture.store.layers().list().size() == 1);
  CHECK(code_of([&] { layer.big_data().set("key", Source{}); }) == expected);
  CHECK(layer.big_data().names().empty());
}

TEST_CASE("big data can be set from a stream", "[store][import]") {
  Fixture<stores::Vfs> fixture;
  auto image = fixture.store.images().create({.id = "image"});
  std::string const text(3 << 20, 'x');
  image.big_data().set("streamed", memory_source(text));
  image.big_data().set("whole", text);
  CHECK(image.big_data().get("streamed") == text);
  CHECK(image.big_data().size("streamed") == std::ssize(text));
  CHECK(image.big_data().digest("streamed") == image.big_data().digest("whole"));
}

#include <strata/fs.hpp>
#include <strata/maintenance/layer_content.hpp>

#include <catch2/catch.hpp>

#include "maintenance/damages.hpp"
#include "store/stores.hpp"
#include <stop_token>
#include <string>
#include <vector>

using namespace strata;

namespace layer_content_tests {  // several files of tests are compiled as one
namespace {

std::string const tar = stores::tar_of({{"d/", ""}, {"d/file", "text"}, {"other", "more"}});

/// A store with that tar in a layer.
struct Imported {
  stores::Fixture<stores::Vfs> fixture = stores::Fixture<stores::Vfs>();
  LayerRecord record = fixture.store.layers().import(memory_source(tar), {.id = "layer"}).record();
  fs::path split = fixture.store.core().tar_split("layer");
  fs::path tree = fixture.graph() / "vfs/dir/layer";

  LayerContent content(Control const& control = {}) {
    return check_layer_content(fixture.store.core(), record, split, control);
  }
  /// The only problem.
  Problem problem() {
    auto const found = content();
    REQUIRE(found.problems.size() == 1);
    CHECK(found.problems[0].id == "layer");
    CHECK(found.problems[0].severity == Severity::error);
    return found.problems[0];
  }
};

class Parts final : public Reader {
 public:
  explicit Parts(std::vector<std::string> parts) : parts_(std::move(parts)) {}
  Bytes next() override { return at_ < parts_.size() ? as_bytes(parts_[at_++]) : Bytes(); }

 private:
  std::vector<std::string> parts_;
  std::size_t at_ = 0;
};

bool same(std::vector<std::string> wanted, std::vector<std::string> const& written) {
  Parts from(std::move(wanted));
  detail::ComparingWriter writer(from);
  for (auto const& part : written) writer.write(as_bytes(part));
  return writer.same();
}

}  // namespace

TEST_CASE("bytes are summed as they are written", "[maintenance][layer_content]") {
  SummingWriter writer;
  writer.write(as_bytes("te"));
  writer.write(as_bytes("xt"));
  auto const sum = writer.finish();
  CHECK(sum.size == 4);
  CHECK(sum.digest == Digest::of(as_bytes("text")));
  CHECK(SummingWriter().finish().size == 0);
}

TEST_CASE("streams are equal however they are cut, and not if one is longer",
          "[maintenance][layer_content]") {
  CHECK(same({"abc", "d"}, {"a", "bcd"}));
  CHECK(same({}, {}));
  CHECK(same({"abc"}, {"", "abc"}));
  CHECK_FALSE(same({"abc"}, {"abd"}));
  CHECK_FALSE(same({"abc"}, {"ab"}));
  CHECK_FALSE(same({"ab", "c"}, {"ab"}));
  CHECK_FALSE(same({"ab"}, {"abc"}));
  CHECK_FALSE(same({}, {"a"}));
}

TEST_CASE("an imported layer is what was imported, and its headers are kept",
          "[maintenance][layer_content]") {
  Imported layer;
  auto const content = layer.content();
  CHECK(content.problems.empty());
  REQUIRE(content.sum);
  CHECK(content.sum->digest.str() == layer.record.diff_digest);
  CHECK(content.sum->size == static_cast<std::int64_t>(tar.size()));
  REQUIRE(content.headers);
  REQUIRE(content.headers->size() == 3);
  CHECK(content.headers->at(1).name == "d/file");
  CHECK(kept_headers(layer.split).size() == 3);
}

TEST_CASE("changed, missing and cut files are told of by name", "[maintenance][layer_content]") {
  Imported layer;
  SECTION("changed") { damages::write(layer.tree / "d/file", "TEXT"); }
  SECTION("shorter") { damages::write(layer.tree / "d/file", "t"); }
  SECTION("missing") { fs::remove(layer.tree / "d/file"); }
  SECTION("another kind") {
    fs::remove(layer.tree / "d/file");
    fs::create_symlink("../other", layer.tree / "d/file");
  }
  SECTION("all of it") { fs::remove_all(layer.tree / "d"); }
  auto const problem = layer.problem();
  CHECK(problem.kind == ProblemKind::content_checksum);
  CHECK(problem.text == "layer layer: file integrity checksum failed for \"d/file\"");
  CHECK(problem.action == RepairAction::none);
  auto const content = layer.content();
  CHECK_FALSE(content.sum);
  CHECK(content.headers);
}

TEST_CASE("a tar-split that is missing, damaged or cannot be read is told apart",
          "[maintenance][layer_content]") {
  Imported layer;
  SECTION("missing") {
    fs::remove(layer.split);
    CHECK(layer.problem().kind == ProblemKind::archive_missing);
    layer.record.diff_digest.clear();  // not imported: nothing is missing
    CHECK(layer.content().problems.empty());
    layer.record.diff_digest = "sha256:0";
    layer.record.toc_digest = "sha256:0";  // pulled in parts
    CHECK(layer.content().problems.empty());
  }
  SECTION("cut") {
    damages::cut(layer.split, 0.5);
    CHECK(layer.problem().kind == ProblemKind::archive_damaged);
  }
  SECTION("something else") {
    damages::write(layer.split, "text");
    CHECK(layer.problem().kind == ProblemKind::archive_damaged);
    CHECK_THROWS_AS(kept_headers(layer.split), Error);
  }
  SECTION("a link to itself") {
    fs::remove(layer.split);
    fs::create_symlink(layer.split.filename(), layer.split);
    CHECK(layer.problem().kind == ProblemKind::archive_damaged);
  }
  CHECK_FALSE(layer.content().sum);
}

TEST_CASE("a record that tells of other bytes is repaired", "[maintenance][layer_content]") {
  Imported layer;
  layer.record.diff_digest = Digest::of(as_bytes("other")).str();
  auto const digest = layer.problem();
  CHECK(digest.kind == ProblemKind::content_digest);
  CHECK(digest.action == RepairAction::repair);
  layer.record.diff_size = 1;
  CHECK(layer.content().problems.size() == 2);
  layer.record.diff_digest = "sha512:0";  // not the digest that is computed
  auto const size = layer.problem();
  CHECK(size.kind == ProblemKind::content_size);
  CHECK(size.action == RepairAction::repair);
  layer.record.diff_size = -1;  // unknown
  CHECK(layer.content().problems.empty());
}

TEST_CASE("a check can be stopped", "[maintenance][layer_content]") {
  Imported layer;
  std::stop_source stop;
  stop.request_stop();
  CHECK(stores::code_of([&] { layer.content({.progress = {}, .stop = stop.get_token()}); }) == Errc::stopped);
}

TEST_CASE("a tar that is made again tells of itself as an import does", "[maintenance][layer_content]") {
  Imported layer;
  auto& core = layer.fixture.store.core();
  damages::write(layer.tree / "new", "unrecorded");
  auto const split = layer.fixture.directory.path() / "split";
  auto const made = remake_archive(core, layer.record, split, {});
  CHECK(made.headers.size() == 4);
  CHECK_FALSE(fs::exists(fs::path(split).concat(".tar")));
  LayerRecord record;
  record.id = "layer";
  record_plain_archive(record, made.sum, made.headers);
  CHECK(record.diff_digest == made.sum.digest.str());
  CHECK(record.compressed_diff_digest == record.diff_digest);
  CHECK(record.diff_size == made.sum.size);
  CHECK(record.uidset == std::vector<std::uint32_t>{0});
  CHECK(has_whole_archive(record));
  auto const content = check_layer_content(core, record, split, {});
  CHECK(content.problems.empty());
  REQUIRE(content.sum);
  CHECK(content.sum->digest == made.sum.digest);
  auto const again = [&] { remake_archive(core, layer.record, split, {}); };
  CHECK(stores::code_of(again) == std::error_code(EEXIST, std::system_category()));  // never written over
}

}  // namespace layer_content_tests

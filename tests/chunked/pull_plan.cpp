#include <strata/chunked/pull_plan.hpp>
#include <strata/fs.hpp>

#include <catch2/catch.hpp>

#include "chunked/chunked_tools.hpp"
#include "store/stores.hpp"
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <system_error>
#include <vector>

using namespace strata;
using detail::PullPlan;

namespace pull_plan_tests {  // several files of tests are compiled as one
namespace {

PullOptions const without_tar_split{.annotations = {}, .without_tar_split = true};

std::string number(std::uint64_t value) { return std::to_string(value); }

/// A regular file of one chunk.
std::string file(std::string const& name, std::string const& bytes, std::uint64_t at, std::uint64_t end) {
  auto const digest = chunked_tools::digest(bytes);
  return R"({"type":"reg","name":")" + name + R"(","size":)" + number(bytes.size()) + R"(,"digest":")" +
         digest + R"(","offset":)" + number(at) + R"(,"endOffset":)" + number(end) + R"(,"chunkSize":)" +
         number(bytes.size()) + R"(,"chunkDigest":")" + digest + R"("})";
}

archive::ChunkedTables tables(std::string const& entries, std::string const& rest = {}) {
  return {.toc = R"({"version":1,"entries":[)" + entries + "]" + rest + "}",
          .places = {.toc = {.offset = 100}, .tar_split = {}}};
}

std::error_code failure(archive::ChunkedTables const& of, PullOptions const& options = without_tar_split) {
  return stores::code_of([&] { PullPlan(of, 1000, options); });
}

}  // namespace

TEST_CASE("a plan for an empty store fetches all chunks but zeros", "[store][pull_plan]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const core = std::make_shared<stores::Vfs::Core>(fixture.options());
  auto const two = chunked_tools::digest("two");
  PullPlan plan(
      tables(
          R"({"type":"dir","name":"d"},)" + file("d/a", "four", 10, 20) +
          R"(,{"type":"reg","name":"d/b","size":9,"digest":")" +
          chunked_tools::digest("one" + std::string(3, '\0') + "two") +
          R"(","offset":20,"endOffset":40,"chunkSize":3,"chunkDigest":")" + chunked_tools::digest("one") +
          R"("},{"type":"chunk","name":"d/b","offset":30,"chunkSize":3,"chunkOffset":3,"chunkType":"zeros"},)"
          R"({"type":"chunk","name":"d/b","offset":30,"chunkSize":3,"chunkOffset":6,"chunkDigest":")" +
          two + R"("},{"type":"hardlink","name":"c","linkName":"./d/a"})"),
      1000, without_tar_split);
  CHECK_FALSE(plan.has_tar_split());
  CHECK(plan.is_linked("d/a"));
  CHECK(plan.is_linked("/d/../d/a"));
  CHECK_FALSE(plan.is_linked("d/b"));
  plan.choose(*core);
  CHECK(plan.wanted() == std::vector<ByteRange>{{10, 10}, {20, 10}, {30, 10}});
  REQUIRE(plan.files().size() == 4);
  CHECK(plan.files()[0].pieces.empty());
  REQUIRE(plan.files()[2].pieces.size() == 3);
  CHECK(plan.files()[2].pieces[1].piece.zeros);
  CHECK(plan.report().files == 2);
  CHECK(plan.report().bytes == 13);
  CHECK(plan.report().reused_files == 0);
  CHECK(plan.report().reused_bytes == 0);
  CHECK(plan.report().fetched_bytes == 0);
}

TEST_CASE("a plan reuses what the store has, if its bytes are still those", "[store][pull_plan]") {
  stores::Fixture<stores::Vfs> fixture;
  auto layer = fixture.store.layers().import(
      memory_source(stores::tar_of({{"old", "same"}, {"part", "12345"}})), {.id = "layer"});
  layer.big_data().set(std::string(chunked_manifest_key),
                       tables(file("old", "same", 0, 10) + "," + file("part", "12345", 10, 20)).toc);
  auto const core = std::make_shared<stores::Vfs::Core>(fixture.options());
  auto const wanted = tables(
      file("new", "same", 0, 10) + R"(,{"type":"reg","name":"more","size":8,"digest":")" +
      chunked_tools::digest("12345678") + R"(","offset":10,"endOffset":40,"chunkSize":5,"chunkDigest":")" +
      chunked_tools::digest("12345") +
      R"("},{"type":"chunk","name":"more","offset":30,"chunkSize":3,"chunkOffset":5,)"
      R"("chunkDigest":")" +
      chunked_tools::digest("678") + R"("})");
  {
    PullPlan plan(wanted, 1000, without_tar_split);
    plan.choose(*core);
    REQUIRE(plan.files()[0].whole != nullptr);
    CHECK(plan.files()[0].whole->path == "old");
    CHECK(plan.files()[1].whole == nullptr);
    CHECK(plan.wanted() == std::vector<ByteRange>{{30, 10}});
    CHECK(plan.report().reused_files == 1);
    CHECK(plan.report().reused_bytes == 9);
  }
  sys::replace_file(fixture.graph() / "vfs/dir/layer/old", "else");
  sys::replace_file(fixture.graph() / "vfs/dir/layer/part", "1234");
  PullPlan plan(wanted, 1000, without_tar_split);
  plan.choose(*core);
  CHECK(plan.wanted() == std::vector<ByteRange>{{0, 10}, {10, 20}, {30, 10}});
  CHECK(plan.report().reused_bytes == 0);
}

TEST_CASE("a table of contents that cannot be followed makes no plan", "[store][pull_plan]") {
  CHECK(failure(tables(file("a", "x", 0, 10))) == std::error_code());
  CHECK(failure(tables(file("a", "x", 0, 101))) == Errc::corrupt_archive);  // where the table stands itself
  CHECK(failure(tables(file("a", "x", 0, 10) + "," + file("./a", "y", 10, 20))) == Errc::corrupt_archive);
  CHECK(failure(tables(R"({"type":"reg","name":"a","size":1,"digest":"md5:0","offset":0,"endOffset":9})")) ==
        Errc::digest_unsupported);
  CHECK(failure({.toc = "{"}) == Errc::corrupt_archive);
  std::stop_source stop;
  stop.request_stop();
  CHECK(failure(tables(file("a", "x", 0, 10)),
                {.annotations = {}, .without_tar_split = true, .stop = stop.get_token()}) == Errc::stopped);
  // Files of 4 GiB in a stream of 1,000 bytes.
  CHECK(failure(tables(R"({"type":"reg","name":"a","size":4294967296,"digest":")" +
                       chunked_tools::digest("x") + R"(","offset":0,"endOffset":9,"chunkType":"zeros"})")) ==
        Errc::over_budget);
  CHECK(failure(tables(file("a", "x", 0, 10) + "," + file("b", "y", 10, 20)),
                {.annotations = {}, .without_tar_split = true, .limits = {.entries = 1}}) ==
        Errc::over_budget);
}

TEST_CASE("the tar-split must be the one that the table of contents names", "[store][pull_plan]") {
  CHECK(failure(tables(file("a", "x", 0, 10)), {}) == Errc::unsupported);
  auto named = tables(file("a", "x", 0, 10), R"(,"tarSplitDigest":")" + chunked_tools::digest("split") + '"');
  CHECK(failure(named, {}) == Errc::corrupt_archive);
  named.places.tar_split = archive::ChunkedPart{.offset = 50};
  named.tar_split = "splat";
  CHECK(failure(named, {}) == Errc::digest_mismatch);
  named.tar_split = "split";
  PullOptions const options;
  CHECK(PullPlan(named, 1000, options).has_tar_split());
  named.places.tar_split->offset = 9;  // in the middle of the file's contents
  CHECK(failure(named, {}) == Errc::corrupt_archive);
}

}  // namespace pull_plan_tests

#include <strata/chunked/chunked_toc.hpp>
#include <strata/error.hpp>

#include <catch2/catch.hpp>

#include "archive/tar_tools.hpp"
#include "chunked_tools.hpp"
#include <string>
#include <vector>

using namespace strata;
using namespace strata::archive;

namespace {

std::vector<ChunkedEntry> entries_of(std::string const& json, ChunkedBudgets const& budgets = {}) {
  std::vector<ChunkedEntry> out;
  read_chunked_toc(json, budgets, [&](ChunkedEntry&& entry) { out.push_back(std::move(entry)); });
  return out;
}

std::string table(std::string const& entries) { return R"({"version":1,"entries":[)" + entries + "]}"; }

std::error_code failure(std::string const& json, ChunkedBudgets const& budgets = {}) {
  try {
    entries_of(json, budgets);
  } catch (Error const& error) {
    return error.code();
  }
  return {};
}

/// A file of 10 bytes in the given pieces.
std::string file(std::string const& rest) {
  return R"({"type":"reg","name":"f","size":10,"digest":"sha256:00")" + rest;
}

}  // namespace

TEST_CASE("chunked_toc: entries are read as they were written", "[archive][chunked_toc]") {
  using tar_tools::Entry;
  std::string tar;
  Sink to = string_sink(tar);
  TarWriter writer(to);
  TarHeader directory{.name = "d/", .type = EntryType::directory, .mode = 01755, .uid = 3, .gid = 4};
  directory.mtime = {.seconds = 1'600'000'000, .nanoseconds = 5};
  TarHeader regular{.name = "d/<f>&\"\u00e9", .mode = 04644, .size = 5};
  regular.xattrs = {{"security.capability", std::string("\0\1\2", 3)}, {"user.a", ""}};
  TarHeader link{.name = "l", .link_name = "d/<f>&\"\u00e9", .type = EntryType::hard_link, .mode = 0644};
  TarHeader device{
      .name = "n", .type = EntryType::block_device, .mode = 0600, .dev_major = 7, .dev_minor = 9};
  Source body = memory_source("hello");
  writer.add(directory);
  writer.add(regular, &body);
  writer.add(link);
  writer.add(device);
  writer.finish();
  auto const stream = chunked_tools::stream_of(tar);
  auto const entries = entries_of(stream.made.manifest);
  REQUIRE(entries.size() == 4);
  Source in = memory_source(tar);
  TarReader reader(in);
  TarHeader header;
  for (auto const& entry : entries) {
    REQUIRE(reader.next(header));
    header.atime.reset();
    header.ctime.reset();
    CHECK(entry.header == header);
    CHECK(entry.pieces.size() == (header.size != 0 ? 1u : 0u));
  }
  auto const& piece = entries[1].pieces.front();
  CHECK(entries[1].digest == chunked_tools::digest("hello"));
  CHECK(piece.plain_size == 5);
  CHECK(chunked_tools::all_of(codec::Zstd::decompress(
            memory_source(stream.bytes.substr(piece.offset, piece.end - piece.offset)))) == "hello");
}

TEST_CASE("chunked_toc: files in several chunks, as other programs write them", "[archive][chunked_toc]") {
  auto const entries = entries_of(table(
      file(R"(,"offset":100,"endOffset":160,"chunkSize":4,"chunkDigest":"sha256:01"},)") +
      R"({"type":"chunk","name":"f","offset":120,"chunkSize":3,"chunkOffset":4,"chunkType":"zeros"},)"
      R"({"type":"chunk","name":"f","offset":130,"chunkSize":3,"chunkOffset":7,"later":{"a":[1]}},)"
      R"({"type":"dir","name":"d","mode":16877,"modtime":"2022-02-03T04:05:06.5+01:00","xattrs":null})"));
  REQUIRE(entries.size() == 2);
  auto const& pieces = entries[0].pieces;
  REQUIRE(pieces.size() == 3);
  CHECK(pieces[0].offset == 100);
  CHECK(pieces[0].end == 120);
  CHECK(pieces[0].digest == "sha256:01");
  CHECK(pieces[1].zeros);
  CHECK(pieces[1].file_offset == 4);
  CHECK(pieces[2].end == 160);
  CHECK(pieces[2].plain_size == 3);
  CHECK(entries[1].header.mode == 0755);
  CHECK(entries[1].header.mtime == FileTime{.seconds = 1'643'857'506, .nanoseconds = 500'000'000});
}

TEST_CASE("chunked_toc: inconsistent positions are refused", "[archive][chunked_toc]") {
  CHECK(failure(table(file(R"(,"offset":100,"endOffset":160})"))) == std::error_code());
  for (
      auto const* rest : {
          R"(})",                                                  // nowhere
          R"(,"offset":100})",                                     // no end
          R"(,"offset":100,"endOffset":100})",                     // nothing there
          R"(,"offset":100,"endOffset":99})",                      // ends before it begins
          R"(,"offset":-1,"endOffset":9})",                        // negative
          R"(,"offset":100,"endOffset":160,"chunkSize":9})",       // a byte is missing
          R"(,"offset":100,"endOffset":160,"chunkSize":11})",      // one too many
          R"(,"offset":100,"endOffset":160,"chunkOffset":1})",     // begins late
          R"(,"offset":100,"endOffset":160,"chunkType":"what"})",  // not known
          R"(,"offset":100,"endOffset":160,"chunkSize":4},{"type":"chunk","offset":120,"chunkSize":6,"chunkOffset":5})",
          R"(,"offset":100,"endOffset":160,"chunkSize":4},{"type":"chunk","offset":90,"chunkSize":6,"chunkOffset":4})",
          R"(,"offset":100,"endOffset":160,"chunkSize":4},{"type":"chunk","offset":120,"chunkSize":7,"chunkOffset":4})",
          R"(,"offset":100,"endOffset":160,"chunkSize":10},{"type":"chunk","offset":120,"chunkOffset":10})",
          R"(,"offset":100,"endOffset":160},{"type":"reg","name":"g","size":1,"digest":"x","offset":159,"endOffset":170})",
          R"(,"offset":100,"endOffset":160},{"type":"reg","name":"g","size":1,"digest":"x","offset":50,"endOffset":60})",
          R"(,"offset":100,"endOffset":160},{"type":"reg","name":"g","size":1,"offset":160,"endOffset":170})",
          R"(,"offset":100,"endOffset":160},{"type":"dir"})",
      }) {
    CAPTURE(rest);
    CHECK(failure(table(file(rest))) == Errc::corrupt_archive);
  }
  CHECK(failure(table(R"({"type":"chunk","name":"f"})")) == Errc::corrupt_archive);
  CHECK(failure(table(R"({"type":"dir","name":"d"},{"type":"chunk","name":"d"})")) == Errc::corrupt_archive);
}

TEST_CASE("chunked_toc: malformed tables are refused", "[archive][chunked_toc]") {
  for (auto const* json : {"", "[]", "{", R"({"version":1)", R"({"version":1,"entries":{}})",
                           R"({"version":1,"entries":[1]})", R"({"version":1,"entries":[{"name":1}]})",
                           R"({"version":1,"entries":[{"type":"dir","name":"d","uid":1.5}]})",
                           R"({"version":1,"entries":[{"type":"dir","name":"d","modtime":"yesterday"}]})",
                           R"({"version":1,"entries":[{"type":"dir","name":"d","mode":99999999999}]})",
                           R"({"version":1,"entries":[{"type":"dir","name":"d","xattrs":{"a":"?"}}]})",
                           R"({"version":1,"entries":[{"type":"dir","name":"d","xattrs":{"a":"","a":""}}]})",
                           R"({"version":1,"entries":[]} x)"}) {
    CAPTURE(json);
    CHECK(failure(json) == Errc::corrupt_archive);
  }
  CHECK(failure("{}") == Errc::unsupported);
  CHECK(failure(R"({"version":2,"entries":[]})") == Errc::unsupported);
  CHECK(failure(table(R"({"type":"socket","name":"s"})")) == Errc::unsupported);
  CHECK(failure(R"({"version":1,"entries":null})") == std::error_code());
}

TEST_CASE("chunked_toc: budgets are enforced", "[archive][chunked_toc]") {
  auto const two =
      table(R"({"type":"dir","name":"first"},{"type":"symlink","name":"s","linkName":"somewhere"})");
  CHECK(failure(two, {.entries = 2, .path_bytes = 9}) == std::error_code());
  CHECK(failure(two, {.entries = 1}) == Errc::over_budget);
  CHECK(failure(two, {.path_bytes = 8}) == Errc::over_budget);
  auto const attribute = table(R"({"type":"dir","name":"d","xattrs":{"user.a":"AAAA"}})");
  CHECK(failure(attribute, {.xattr_bytes = 9}) == std::error_code());
  CHECK(failure(attribute, {.xattr_bytes = 8}) == Errc::over_budget);
  auto const files = table(
      file(R"(,"offset":100,"endOffset":160},)") +
      R"({"type":"reg","name":"g","size":9223372036854775807,"digest":"x","offset":160,"endOffset":170})");
  CHECK(failure(files) == Errc::over_budget);
  CHECK(failure(table(file(R"(,"offset":100,"endOffset":160})")), {.plain_bytes = 9}) == Errc::over_budget);
}

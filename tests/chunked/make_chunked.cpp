#include <strata/archive/tar_writer.hpp>
#include <strata/chunked/make_chunked.hpp>
#include <strata/fs.hpp>
#include <strata/testing/temp_dir.hpp>

#include <catch2/catch.hpp>

#include "chunked_tools.hpp"
#include <stop_token>
#include <string>

using namespace strata;
using namespace strata::archive;

TEST_CASE("make_chunked: a stream has the tar, its table of contents and its tar-split",
          "[archive][make_chunked]") {
  std::string tar;
  Sink to = string_sink(tar);
  TarWriter writer(to);
  Source body = memory_source("hello");
  writer.add({.name = "f", .mode = 0644, .size = 5}, &body);
  writer.finish();
  testing::TempDir scratch;
  std::string stream;
  auto const made = make_zstd_chunked(memory_source(tar), string_sink(stream), scratch.path());
  CHECK(chunked_tools::all_of(codec::Zstd::decompress(memory_source(stream))) == tar);
  auto const& split = made.tar_split_at;
  CHECK(chunked_tools::all_of(codec::Zstd::decompress(
            memory_source(stream.substr(split.offset, split.size)))) == chunked_tools::tar_split_of(tar));
  CHECK(made.toc_digest->str() ==
        chunked_tools::digest(stream.substr(made.manifest_at.offset, made.manifest_at.size)));
  CHECK(fs::is_empty(scratch.path()));

  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(make_zstd_chunked(memory_source(tar), string_sink(stream), scratch.path(), {},
                                    {.progress = {}, .stop = stop.get_token()}),
                  Error);
}

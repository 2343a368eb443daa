#include <strata/archive/tar_writer.hpp>
#include <strata/chunked/zstd_chunked.hpp>
#include <strata/sys/stream.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

using namespace strata;
using namespace strata::archive;

namespace {

std::uint64_t number_at(std::string const& bytes, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)])} << (8 * i);
  return value;
}

std::string plain(std::string const& bytes) {
  Source source = codec::Zstd::decompress(memory_source(bytes));
  std::string out;
  for (auto part = source.next(); !part.empty(); part = source.next()) out += as_text(part);
  return out;
}

/// What `key` is followed by in an object, as text; nothing if it is not there.
std::string member(std::string const& object, std::string const& key) {
  auto const at = object.find('"' + key + "\":");
  if (at == object.npos) return {};
  auto const begin = at + key.size() + 3;
  return object.substr(begin, object.find_first_of(",}", begin) - begin);
}

/// The entry of the table for a name.
std::string entry_of(std::string const& manifest, std::string const& name) {
  auto const at = manifest.find("\"name\":\"" + name + '"');
  REQUIRE(at != manifest.npos);
  auto const begin = manifest.rfind('{', at);
  return manifest.substr(begin, manifest.find("},{", at) - begin);
}

struct Made {
  std::string tar = {};
  std::string stream = {};
  ChunkedResult result = {};
};

Made make() {
  Made made;
  {
    Sink to = string_sink(made.tar);
    TarWriter tar(to);
    tar.add({.name = "dir/",
             .type = EntryType::directory,
             .mode = 0755,
             .uid = 7,
             .mtime = {.seconds = 1'600'000'000}});
    std::string const text = "some contents";
    Source body = memory_source(text);
    TarHeader file{.name = "dir/file", .mode = 0644, .size = static_cast<std::int64_t>(text.size())};
    file.xattrs = {{"user.k", "v"}};
    tar.add(file, &body);
    tar.add({.name = "dir/empty", .mode = 0600});
    tar.add({.name = "link", .link_name = "dir/<file>", .type = EntryType::symlink, .mode = 0777});
    std::string const big(300'000, 'x');
    Source more = memory_source(big);
    tar.add({.name = "big", .mode = 0644, .size = 300'000}, &more);
    tar.finish();
  }
  Source in = memory_source(made.tar);
  ZstdChunkedWriter writer(string_sink(made.stream));
  TarReader reader(in, {}, &writer);
  TarHeader header;
  while (reader.next(header)) continue;
  Source lines = memory_source("{\"type\":1}\n");
  made.result = writer.finish(lines);
  return made;
}

}  // namespace

TEST_CASE("a zstd:chunked stream is a zstd stream of the archive", "[archive][zstd_chunked]") {
  auto const made = make();
  CHECK(plain(made.stream) == made.tar);
  CHECK(made.result.size == made.stream.size());
}

TEST_CASE("the table of contents has the position of each file's contents", "[archive][zstd_chunked]") {
  auto const made = make();
  auto const& table = made.result.manifest;
  for (auto const& [name, contents] : std::map<std::string, std::string>{
           {"dir/file", "some contents"}, {"big", std::string(300'000, 'x')}}) {
    auto const entry = entry_of(table, name);
    auto const begin = std::stoull(member(entry, "offset"));
    auto const end = std::stoull(member(entry, "endOffset"));
    CHECK(plain(made.stream.substr(begin, end - begin)) == contents);
    CHECK(member(entry, "digest") == '"' + Digest::of(as_bytes(contents)).str() + '"');
    CHECK(member(entry, "size") == std::to_string(contents.size()));
  }
  CHECK(member(entry_of(table, "dir/file"), "xattrs") == R"({"user.k":"dg==")");
  auto const directory = entry_of(table, "dir/");
  CHECK(member(directory, "type") == "\"dir\"");
  CHECK(member(directory, "uid") == "7");
  CHECK(member(directory, "modtime") == "\"2020-09-13T12:26:40Z\"");
  CHECK(member(directory, "offset").empty());
  CHECK(member(entry_of(table, "dir/empty"), "digest").empty());
  CHECK(member(entry_of(table, "link"), "linkName") == R"("dir/\u003cfile\u003e")");
}

TEST_CASE("the footer has the positions of table of contents and tar-split", "[archive][zstd_chunked]") {
  auto const made = make();
  auto const& stream = made.stream;
  REQUIRE(stream.size() > 72);
  auto const footer = stream.substr(stream.size() - 64);
  CHECK(number_at(stream, stream.size() - 72, 4) == 0x184D2A50);
  CHECK(number_at(stream, stream.size() - 68, 4) == 64);
  CHECK(footer.substr(56) == "GNUlInUx");
  CHECK(number_at(footer, 24, 8) == 1);
  auto const table = stream.substr(number_at(footer, 0, 8), number_at(footer, 8, 8));
  CHECK(plain(table) == made.result.manifest);
  CHECK(made.result.manifest.size() == number_at(footer, 16, 8));
  CHECK(made.result.toc_digest->str() == Digest::of(as_bytes(table)).str());
  auto const split = stream.substr(number_at(footer, 32, 8), number_at(footer, 40, 8));
  CHECK(plain(split) == "{\"type\":1}\n");
  CHECK(number_at(footer, 48, 8) == 11);
  CHECK(member(made.result.manifest, "tarSplitDigest") == '"' + Digest::of(as_bytes(split)).str() + '"');
}

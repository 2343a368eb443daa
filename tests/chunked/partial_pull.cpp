#include <strata/chunked/chunked_layer.hpp>
#include <strata/chunked/partial_pull.hpp>
#include <strata/fs.hpp>
#include <strata/maintenance/check.hpp>
#include <strata/sys/ranges.hpp>

#include <boost/filesystem/fstream.hpp>
#include <catch2/catch.hpp>

#include "chunked/chunked_tools.hpp"
#include "store/stores.hpp"
#include <memory>
#include <stop_token>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace fs = boost::filesystem;
using namespace strata;

namespace partial_pull_tests {  // several files of tests are compiled as one
namespace {

using chunked_tools::crafted;
using chunked_tools::Stream;
using chunked_tools::stream_of;
using Entries = std::vector<std::pair<std::string, std::string>>;

/// Bytes that do not compress well, another lot for each seed.
std::string noise(std::uint32_t seed, std::size_t size) {
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>((seed = seed * 1'664'525 + 1'013'904'223) >> 24);
  return out;
}

Entries const first_files{
    {"bin/", ""}, {"bin/a", noise(1, 50'000)}, {"bin/b", noise(2, 70'000)}, {"empty", ""},
    {"etc/", ""}, {"etc/c", noise(3, 4'000)}};

Entries changed() {
  auto out = first_files;
  out[2].second = noise(4, 60'000);
  return out;
}

struct Pulled {
  PullReport report;
  chunked_tools::Watched::Requests requests;
};

template <class Store>
Pulled pull(Store& store, Stream const& stream, std::string const& id, PullOptions options = {},
            StageOptions const& stage = {}) {
  if (options.annotations.empty()) options.annotations = stream.annotations;
  auto const requests = std::make_shared<chunked_tools::Watched::Requests>();
  auto staged = store.layers().stage(stage);
  auto const report = pull_chunked(staged, chunked_tools::Watched(stream.bytes, requests), options);
  staged.commit({.id = id});
  return {report, *requests};
}

template <class Store>
std::error_code failure(Store& store, Stream const& stream, PullOptions const& options = {}) {
  auto const code = stores::code_of([&] { pull(store, stream, "bad", options); });
  CHECK_FALSE(store.layers().find("bad"));
  return code;
}

/// The bytes that all requests together asked for, but for the tables and the gaps between files.
std::uint64_t requested(Pulled const& pulled, Stream const& stream) {
  std::uint64_t bytes = 0;
  for (auto const& request : pulled.requests)
    for (auto const& range : request)
      if (range.offset < stream.made.manifest_at.offset) bytes += range.size;
  return bytes;
}

std::string content(auto& store, std::string const& layer, std::string const& path) {
  auto const mount = store.layers().get(layer).mount();
  return sys::read_file(mount.path() / path);
}

template <class S>
void check_two_pulls(S& store) {
  auto const tar = stores::tar_of(first_files);
  auto const stream = stream_of(tar);
  auto const whole =
      pull(store, stream, "first", {.annotations = {}, .diff_digest = chunked_tools::digest(tar)});
  CHECK(whole.report.files == 3);
  CHECK(whole.report.bytes == 124'000);
  CHECK(whole.report.reused_files == 0);
  CHECK(whole.report.fetched_bytes < stream.bytes.size());
  auto const record = store.layers().get("first").record();
  CHECK(record.toc_digest == stream.made.toc_digest->str());
  CHECK(record.diff_digest == chunked_tools::digest(tar));
  CHECK(record.diff_size == static_cast<std::int64_t>(tar.size()));
  CHECK(record.compressed_diff_digest.empty());
  CHECK(record.compressed_size == 0);
  CHECK(record.compression == 0);
  CHECK(record.uidset == std::vector<std::uint32_t>{0});
  CHECK(store.layers().get("first").big_data().get(chunked_manifest_key) == stream.made.manifest);
  CHECK(store.layers().get("first").big_data().get(chunked_layer_data_key) == R"({"format":0})");
  CHECK(stores::diff_of(store.layers().get("first")) == tar);

  // The same but for one file: that file's bytes are read, and the tables, and nothing else.
  auto const next_tar = stores::tar_of(changed());
  auto const next = stream_of(next_tar);
  auto const part = pull(store, next, "second");
  CHECK(part.report.files == 3);
  CHECK(part.report.reused_files == 2);
  CHECK(part.report.reused_bytes == 54'000);
  CHECK(part.report.requested_ranges == 1);
  REQUIRE(part.requests.size() == 2);
  REQUIRE(part.requests[1].size() == 1);
  ByteRange wanted;
  archive::read_chunked_toc(next.made.manifest, {}, [&](archive::ChunkedEntry&& entry) {
    if (entry.header.name == "bin/b")
      wanted = {entry.pieces[0].offset, entry.pieces[0].end - entry.pieces[0].offset};
  });
  CHECK(part.requests[1][0] == wanted);
  CHECK(requested(part, next) == wanted.size);
  CHECK(part.report.fetched_bytes == wanted.size + next.made.manifest_at.size + next.made.tar_split_at.size);
  CHECK(stores::diff_of(store.layers().get("second")) == next_tar);
  CHECK(content(store, "second", "bin/a") == first_files[1].second);
  CHECK(content(store, "second", "bin/b") == noise(4, 60'000));

  // And once more: only the tables. As an ordinary import has it, it is the same layer.
  auto const none = pull(store, next, "third");
  CHECK(none.report.reused_files == 3);
  CHECK(none.requests.size() == 1);
  auto const imported = store.layers().import(memory_source(next.bytes), {.id = "imported"});
  CHECK(imported.record().diff_digest == store.layers().get("third").record().diff_digest);
  CHECK(check(store).clean());
}

}  // namespace

TEST_CASE("a partial pull reads only what the store lacks", "[store][partial_pull]") {
  SECTION("vfs") {
    stores::Fixture<stores::Vfs> fixture;
    check_two_pulls(fixture.store);
  }
  SECTION("overlay") {
    if (::geteuid() != 0) return;
    stores::Fixture<stores::Overlay> fixture;
    check_two_pulls(fixture.store);
  }
}

TEST_CASE("a partial pull over a parent handles whiteouts, links and attributes as an import does",
          "[store][partial_pull]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  store.layers().import(memory_source(stores::tar_of(first_files)), {.id = "base"});
  std::string tar;
  Sink to = string_sink(tar);
  archive::TarWriter writer(to);
  writer.add({.name = "etc/.wh.c", .mode = 0});
  archive::TarHeader file{.name = "./new\xc3\xa9", .mode = 0640, .size = 5};
  file.xattrs = {{"user.key", "value"}};
  Source body = memory_source("hello");
  writer.add(file, &body);
  writer.add(
      {.name = "hard", .link_name = "./new\xc3\xa9", .type = archive::EntryType::hard_link, .mode = 0640});
  writer.add(
      {.name = "soft", .link_name = "../../outside", .type = archive::EntryType::symlink, .mode = 0777});
  writer.add({.name = "../escape", .mode = 0600});
  writer.finish();
  pull(store, stream_of(tar), "top", {}, {.parent = "base"});
  store.layers().import(memory_source(tar), {.id = "imported", .parent = "base"});
  CHECK(stores::diff_of(store.layers().get("top")) == tar);
  auto const shown = [&](std::string const& id) {
    std::string out;
    for (auto const& change : store.layers().get(id).changes()) out += change.path + ' ';
    return out;
  };
  CHECK(shown("top") == shown("imported"));
  CHECK_FALSE(fs::exists(fixture.graph() / "vfs/dir/top/etc/c"));
  CHECK(fs::exists(fixture.graph() / "vfs/dir/top/escape"));
  CHECK(fs::hard_link_count(fixture.graph() / "vfs/dir/top/hard") == 2);
}

TEST_CASE("a partial pull finds positions in the stream's footer", "[store][partial_pull]") {
  stores::Fixture<stores::Vfs> fixture;
  auto const stream = stream_of(stores::tar_of(first_files));
  pull(fixture.store, stream, "layer",
       {.annotations = {{std::string(archive::toc_digest_annotation), stream.made.toc_digest->str()}}});
  CHECK(stores::diff_of(fixture.store.layers().get("layer")) == stores::tar_of(first_files));
  CHECK(failure(fixture.store, stream, {.annotations = {{"other", "x"}}}) == Errc::unsupported);
}

TEST_CASE("reused files are verified before use", "[store][partial_pull]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const stream = stream_of(stores::tar_of(first_files));
  pull(store, stream, "first");
  auto const dir = fixture.graph() / "vfs/dir/first";
  auto damaged = first_files[1].second;
  damaged[100] = static_cast<char>(damaged[100] + 1);
  fs::ofstream(dir / "bin/a") << damaged;  // other bytes
  fs::ofstream(dir / "bin/b") << "short";  // another length
  fs::remove(dir / "etc/c");               // a link out of the layer
  fs::create_symlink("/etc/passwd", dir / "etc/c");
  auto const again = pull(store, stream, "again");
  CHECK(again.report.reused_files == 0);
  CHECK(stores::diff_of(store.layers().get("again")) == stores::tar_of(first_files));
  // A table that is none, and a layer whose files are gone, are passed over.
  store.layers().create({.id = "odd"}).big_data().set(std::string(chunked_manifest_key), "{");
  CHECK(pull(store, stream, "third").report.reused_files == 3);
  fs::remove_all(fixture.graph() / "vfs/dir/third");
  fs::remove_all(fixture.graph() / "vfs/dir/again");
  CHECK(pull(store, stream, "fourth").report.reused_files == 0);
}

TEST_CASE("reused files can be hard-linked", "[store][partial_pull]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const tar_with = [](std::uint32_t mode, std::int64_t time) {
    std::string tar;
    Sink to = string_sink(tar);
    archive::TarWriter writer(to);
    for (auto const* name : {"plain", "linked", "other_mode"}) {
      auto const text = noise(static_cast<std::uint32_t>(name[0]), 1000);
      Source body = memory_source(text);
      archive::TarHeader header{.name = name, .mode = name[0] == 'o' ? mode : 0644u, .size = 1000};
      header.mtime.seconds = time;
      writer.add(header, &body);
    }
    archive::TarHeader link{
        .name = "again", .link_name = "linked", .type = archive::EntryType::hard_link, .mode = 0644};
    link.mtime.seconds = time;
    writer.add(link);
    writer.finish();
    return tar;
  };
  auto const inode = [&](std::string const& path) {
    struct stat status {};
    REQUIRE(::stat((fixture.graph() / "vfs/dir" / path).c_str(), &status) == 0);
    return std::pair(status.st_ino, status.st_mtim.tv_sec);
  };
  pull(store, stream_of(tar_with(0600, 1'000'000)), "first");
  pull(store, stream_of(tar_with(0640, 2'000'000)), "copied");
  CHECK(inode("copied/plain").first != inode("first/plain").first);
  CHECK(inode("copied/plain").second == 2'000'000);
  auto const stream = stream_of(tar_with(0640, 3'000'000));
  CHECK(pull(store, stream, "named", {.annotations = {}, .use_hard_links = true}).report.reused_files == 3);
  CHECK(inode("named/plain") == inode("first/plain"));
  CHECK(inode("named/plain").second == 1'000'000);
  // What the archive itself links to would be changed by that link's times; another mode is another file.
  CHECK(inode("named/linked").first != inode("first/linked").first);
  CHECK(inode("named/linked").second == 3'000'000);
  CHECK(inode("first/linked").second == 1'000'000);
  CHECK(inode("named/other_mode").first != inode("first/other_mode").first);
  CHECK(stores::diff_of(store.layers().get("named")) == tar_with(0640, 3'000'000));
  // Removing one leaves the other.
  store.layers().remove("named");
  CHECK(stores::diff_of(store.layers().get("first")) == tar_with(0600, 1'000'000));
}

namespace {

/// A stream of one file in chunks, with a hole, without a tar-split: as containers/storage made them before 1.51.
Stream in_chunks(std::string const& one, std::string const& two, std::uint64_t zeros) {
  auto const a = chunked_tools::zstd(one), b = chunked_tools::zstd(two);
  auto const file = one + std::string(zeros, '\0') + two;
  auto const number = [](std::uint64_t value) { return std::to_string(value); };
  std::string const begin = "raw bytes in front";
  auto const at = begin.size();
  return crafted(
      begin + a + b,
      R"({"version":1,"entries":[{"type":"reg","name":"f","mode":420,"modtime":"2022-01-01T00:00:00Z","size":)" +
          number(file.size()) + R"(,"digest":")" + chunked_tools::digest(file) + R"(","offset":)" +
          number(at) + R"(,"endOffset":)" + number(at + a.size() + b.size()) + R"(,"chunkSize":)" +
          number(one.size()) + R"(,"chunkDigest":")" + chunked_tools::digest(one) +
          R"("},{"type":"chunk","name":"f","offset":)" + number(at + a.size()) + R"(,"chunkSize":)" +
          number(zeros) + R"(,"chunkOffset":)" + number(one.size()) +
          R"(,"chunkType":"zeros"},{"type":"chunk","name":"f","offset":)" + number(at + a.size()) +
          R"(,"chunkSize":)" + number(two.size()) + R"(,"chunkOffset":)" + number(one.size() + zeros) +
          R"(,"chunkDigest":")" + chunked_tools::digest(two) + R"("}]})");
}

}  // namespace

TEST_CASE("chunks are found in other files", "[store][partial_pull]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const one = noise(1, 30'000), two = noise(2, 40'000), other = noise(3, 35'000);
  auto const stream = in_chunks(one, two, 200'000);
  CHECK(failure(store, stream) == Errc::unsupported);  // nobody can say what its tar is
  PullOptions const options{.annotations = {}, .without_tar_split = true};
  CHECK(pull(store, stream, "first", options).report.bytes == 270'000);
  CHECK(content(store, "first", "f") == one + std::string(200'000, '\0') + two);
  auto const record = store.layers().get("first").record();
  CHECK(record.diff_digest.empty());
  CHECK(record.diff_size == -1);
  CHECK_FALSE(record.toc_digest.empty());
  CHECK(record.uidset == std::vector<std::uint32_t>{0});
  CHECK(stores::diff_of(store.layers().get("first")).size() > 270'000);  // made from the file

  auto const next = in_chunks(other, two, 1000);
  auto const part = pull(store, next, "second", options);
  CHECK(part.report.reused_files == 0);
  CHECK(part.report.reused_bytes == 40'000);
  CHECK(part.requests.back() == std::vector<ByteRange>{{18, chunked_tools::zstd(other).size()}});
  CHECK(content(store, "second", "f") == other + std::string(1000, '\0') + two);
}

TEST_CASE("forged streams are refused and leave nothing", "[store][partial_pull]") {
  stores::Fixture<stores::Vfs> fixture;
  auto& store = fixture.store;
  auto const tar = stores::tar_of({{"a", "hello"}, {"b/", ""}, {"b/c", "world"}});
  auto const good = stream_of(tar);
  auto const table = good.made.manifest;
  auto const body = good.bytes.substr(0, good.made.manifest_at.offset);
  auto const split = chunked_tools::tar_split_of(tar);
  // The same stream again, with another table or tar-split.
  auto const with = [&](auto const& from, std::string const& to, std::string lines = {}) {
    auto toc = table;
    auto const at = toc.find("\"tarSplitDigest\":\"") + 18;
    toc.replace(at, toc.find('"', at) - at, "SPLIT");
    if (!std::string(from).empty()) {
      REQUIRE(toc.find(from) != std::string::npos);
      toc.replace(toc.find(from), std::string(from).size(), to);
    }
    return crafted(body, toc, lines.empty() ? split : lines);
  };
  pull(store, with("", ""), "good");
  CHECK(stores::diff_of(store.layers().get("good")) == tar);
  store.layers().remove("good");

  auto broken = good;
  broken.bytes[good.made.manifest_at.offset + 3] ^= 1;
  CHECK(failure(store, broken) == Errc::digest_mismatch);
  broken = good;
  broken.bytes[good.made.tar_split_at.offset + 3] ^= 1;
  CHECK(failure(store, broken) == Errc::digest_mismatch);
  broken = good;
  broken.bytes[good.bytes.find("hello")] ^= 1;
  CHECK(failure(store, broken) == Errc::corrupt_archive);  // the frame's own sum
  CHECK(failure(store, good, {.annotations = good.annotations, .diff_digest = chunked_tools::digest("x")}) ==
        Errc::digest_mismatch);

  auto const hello = chunked_tools::digest("hello"), world = chunked_tools::digest("world");
  CHECK(failure(store, with(hello, world)) == Errc::digest_mismatch);
  CHECK(failure(store, with(hello, "sha256:0")) == Errc::digest_invalid_length);
  CHECK(failure(store, with("\"size\":5", "\"size\":6")) == Errc::corrupt_archive);
  CHECK(failure(store, with("\"size\":5", "\"size\":4")) == Errc::corrupt_archive);
  CHECK(failure(store, with("\"name\":\"a\"", "\"name\":\"d\"")) == Errc::corrupt_archive);
  CHECK(failure(store, with("\"name\":\"a\"", "\"name\":\"./b/c\"")) == Errc::corrupt_archive);
  CHECK(failure(store, with("\"mode\":420", "\"mode\":493")) == Errc::corrupt_archive);
  CHECK(failure(store, with("{\"type\":\"dir\"", "{\"type\":\"fifo\"")) == Errc::corrupt_archive);
  // An entry more in one of the two.
  CHECK(failure(store, with("\"entries\":[", R"("entries":[{"type":"dir","name":"more"},)")) ==
        Errc::corrupt_archive);
  CHECK(failure(store, with("\"entries\":[", R"("entries":[{"type":"dir","name":"a/"},)")) ==
        Errc::corrupt_archive);
  auto fewer =
      table.substr(0, table.find(",{\"type\":\"dir\"")) + "]" + table.substr(table.find("],\"tar") + 1);
  fewer.replace(fewer.find("sha256:", fewer.find("tarSplit")), 71, "SPLIT");
  CHECK(failure(store, crafted(body, fewer, split)) == Errc::corrupt_archive);
  // Contents in the place of the tables.
  auto const end = std::to_string(body.size());
  CHECK(failure(store, with("\"endOffset\":", "\"endOffset\":" + end + "0, \"was\":")) ==
        Errc::corrupt_archive);

  // A tar-split that is damaged, or says of files what is not true: it is made anew of what came.
  CHECK(failure(store, with("", "", "{\"type\":3}\n")) == Errc::corrupt_tar_split);
  CHECK(failure(store, with("", "", split.substr(0, split.size() / 2))) == Errc::corrupt_tar_split);
  // Zeros behind the archive, as many as numbers go: nobody would see the end of it.
  CHECK(failure(store,
                with("", "", split + R"({"type":1,"name":"x","size":1048576,"payload":"AAAAAAAAAAE="})")) ==
        Errc::corrupt_tar_split);
  auto sums = split;
  auto const payload = sums.find("\"payload\":\"", sums.find("\"type\":1")) + 11;
  sums[payload] = sums[payload] == 'A' ? 'B' : 'A';
  pull(store, with("", "", sums), "sums");
  CHECK(stores::diff_of(store.layers().get("sums")) == tar);
  store.layers().remove("sums");

  for (auto const& limits :
       {ImportLimits{.entries = 2}, ImportLimits{.path_bytes = 2}, ImportLimits{.plain_bytes = 9}})
    CHECK(failure(store, good, {.annotations = good.annotations, .limits = limits}) == Errc::over_budget);
  CHECK(failure(store, good, {.annotations = good.annotations, .table_bytes = 50}) == Errc::over_budget);
  std::stop_source stop;
  stop.request_stop();
  CHECK(failure(store, good, {.annotations = good.annotations, .stop = stop.get_token()}) == Errc::stopped);
  auto const zeros =
      crafted("xxxx", R"({"version":1,"entries":[{"type":"reg","name":"f","size":4294967296,"digest":")" +
                          hello + R"(","offset":1,"endOffset":2,"chunkType":"zeros"}]})");
  CHECK(failure(store, zeros, {.annotations = {}, .without_tar_split = true}) == Errc::over_budget);
  CHECK(store.layers().list().empty());
  CHECK(check(store).clean());
}

}  // namespace partial_pull_tests

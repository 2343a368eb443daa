#include <strata/archive/tar_split.hpp>

#include <catch2/catch.hpp>

#include "tar_tools.hpp"
#include <map>
#include <random>
#include <string>

using namespace strata;
using namespace strata::archive;
using tar_tools::Chunks;
using tar_tools::code_of;
using tar_tools::end_of_tar;
using tar_tools::Entry;
using tar_tools::extension;
using tar_tools::file;
using tar_tools::padded;
using tar_tools::raw_header;
using tar_tools::record;
using tar_tools::Text;

namespace {

using Files = std::map<std::string, std::string>;

struct Kept {
  std::string gz = {};
  Files files = {};
};

Kept keep(std::string const& tar, std::size_t chunk = 100'000) {
  Text out;
  TarSplitWriter writer(out);
  Kept kept;
  for (auto const& entry : tar_tools::read_tar(tar, chunk, &writer))
    if (!entry.content.empty()) kept.files[entry.header.name] = entry.content;
  writer.finish();
  kept.gz = out.text;
  return kept;
}

std::string lines_of(std::string const& gz) {
  Chunks in(gz);
  GzipLineReader reader(in);
  std::string text;
  while (auto const line = reader.next()) text += std::string(*line) + '\n';
  return text;
}
std::string gz_of(std::string_view text) {
  Text out;
  GzipTextWriter writer(out);
  writer.append(text);
  writer.finish();
  return out.text;
}

std::string assembled(Kept const& kept, std::size_t chunk = 100'000, std::size_t piece = 1000) {
  Chunks in(kept.gz, chunk);
  Text out;
  assemble(
      in,
      [&](std::string const& name, Writer& to) {
        auto const at = kept.files.find(name);
        if (at == kept.files.end())
          throw Error(std::make_error_code(std::errc::no_such_file_or_directory), "open " + name);
        for (std::size_t i = 0; i < at->second.size(); i += piece)
          to.write(as_bytes(std::string_view(at->second).substr(i, piece)));
      },
      out);
  return out.text;
}

std::string b64(std::string_view text) {
  std::string out(base64_size(text.size()), '\0');
  base64_encode(as_bytes(text), out.data());
  return out;
}

std::string sample() {
  std::vector<Entry> entries{file("etc/hello.txt", "hello\n"), file("empty"),
                             file("big", std::string(300'001, 'z')), file("ünï", "u"), file("n\xe9", "raw")};
  entries.push_back({.header = {.name = "d/", .type = EntryType::directory, .mode = 0755}});
  entries.push_back({.header = {.name = "l", .link_name = "big", .type = EntryType::symlink, .mode = 0777}});
  entries.push_back(file(std::string(200, 'p') + "<&>\"", "q"));
  return tar_tools::write_tar(entries);
}

}  // namespace

TEST_CASE("the lines are those of the Go library", "[archive][tar_split]") {
  auto const head = raw_header("etc/hello.txt", '0', "00000000006");
  auto const dir = raw_header("d/", '5');
  auto const latin = raw_header("f\xe9.txt", '0', "00000000001");
  auto const lines = lines_of(
      keep(head + padded("hello\n") + dir + latin + padded("y") + end_of_tar + std::string(5120, '\0')).gz);
  auto const segment = [](std::string_view raw, int position) {
    return R"({"type":2,"payload":")" + b64(raw) + R"(","position":)" + std::to_string(position) + "}\n";
  };
  CHECK(lines == segment(head, 0) +
                     R"({"type":1,"name":"etc/hello.txt","size":6,"payload":"YUw+7uLYEAA=","position":1})"
                     "\n" +
                     segment(std::string(506, '\0') + dir, 2) +
                     R"({"type":1,"name":"d/","payload":null,"position":3})"
                     "\n" +
                     segment(latin, 4) +
                     R"({"type":1,"name_raw":"ZukudHh0","size":1,"payload":"IqAAAAAAAAA=","position":5})"
                     "\n" +
                     segment(std::string(511 + 1024, '\0'), 6) + segment(std::string(5120, '\0'), 7));
}

TEST_CASE("global headers have a line, their padding belongs to the next segment", "[archive][tar_split]") {
  auto const data = record("comment", "0123");
  auto const global = raw_header("pax_global_header", 'g', tar_tools::octal(data.size()));
  auto const tar = global + padded(data) + raw_header("f", '0') + global + padded(data) + end_of_tar;
  auto const kept = keep(tar);
  auto const lines = lines_of(kept.gz);
  CHECK(lines.find(R"({"type":2,"payload":")" + b64(global + data) + R"(","position":0})") == 0);
  CHECK(lines.find(R"({"type":1,"name":"pax_global_header","payload":null,"position":1})") !=
        std::string::npos);
  CHECK(lines.find("pax_global_header", lines.find("pax_global_header") + 1) ==
        std::string::npos);  // once is what can be read
  CHECK(assembled(kept) == tar);
}

TEST_CASE("an archive comes back bit for bit, however everything is cut", "[archive][tar_split]") {
  auto const tar = sample();
  auto const lines = lines_of(keep(tar).gz);
  for (std::size_t const chunk : {1U, 3U, 100U, 511U, 10'000U}) {
    auto const kept = keep(tar, chunk);
    CHECK(lines_of(kept.gz) == lines);
    CHECK(assembled(kept, chunk, chunk * 7) == tar);
  }
}

TEST_CASE("archives with unusual ends come back too", "[archive][tar_split]") {
  auto const one = raw_header("f", '0', "00000000001");
  std::string noise(3'000'000, '\0');
  std::mt19937 random(1);
  for (auto& c : noise) c = static_cast<char>(random());
  for (auto const& tar :
       {std::string(), std::string(512, '\0'), end_of_tar, one + "x", one + "x" + std::string(100, '\0'),
        one + padded("x"), one + padded("x") + end_of_tar + noise,
        one + padded("x") + extension('L', std::string(5000, 'n'))}) {
    auto const kept = keep(tar);
    CHECK(assembled(kept) == tar);
    auto const lines = lines_of(kept.gz);
    for (std::size_t at = 0, end = 0; (end = lines.find('\n', at)) != std::string::npos; at = end + 1)
      CHECK(end - at <= base64_size(1U << 20U) + 64);
  }
}

TEST_CASE("two entries of one path are refused", "[archive][tar_split]") {
  for (auto const* other : {"a", "./a", "a/", "b/../a", "a//."}) {
    auto const tar = raw_header("a", '0') + raw_header(other, '5') + end_of_tar;
    CHECK(code_of([&] { keep(tar); }) == Errc::corrupt_archive);
    CHECK_THROWS_WITH(keep(tar), Catch::Contains("duplicates of file paths not supported"));
  }
}

TEST_CASE("a file that changed, shrank, grew or went is named", "[archive][tar_split]") {
  auto kept = keep(sample());
  auto const fails = [&](std::string const& name, std::string const& content) {
    auto other = kept;
    other.files[name] = content;
    try {
      assembled(other);
    } catch (Error const& e) {
      CHECK(e.code() == Errc::file_changed);
      return e.subject() == "file \"" + name + '"';
    }
    return false;
  };
  CHECK(fails("etc/hello.txt", "jello\n"));
  CHECK(fails("etc/hello.txt", "hello"));
  CHECK(fails("etc/hello.txt", ""));
  CHECK(fails("etc/hello.txt", "hello\n\n"));
  CHECK(fails("big", std::string(300'002, 'z')));
  kept.files.erase("big");
  CHECK(code_of([&] { assembled(kept); }) == std::errc::no_such_file_or_directory);
}

TEST_CASE("empty, cut off and changed tar-split files are damage", "[archive][tar_split]") {
  auto const kept = keep(sample());
  CHECK(code_of([&] { assembled({.gz = "", .files = kept.files}); }) == Errc::corrupt_tar_split);
  for (std::size_t size = 0; size < kept.gz.size(); ++size)
    REQUIRE(code_of([&] { assembled({.gz = kept.gz.substr(0, size), .files = kept.files}); }) ==
            Errc::corrupt_tar_split);
  for (auto const* line :
       {"x", "{}", R"({"type":2,"payload":"A"})", R"({"type":2,"payload":"AA==AAAA","position":0})",
        R"({"type":2,"payload":"AA\"A","position":0})", R"({"type":1,"name":"big","size":5,"payload":null})",
        R"({"type":1,"name":"big","size":5,"payload":"AAAA"})",
        R"({"type":1,"name":"big","size":5,"payload":"AAAAAAAAAA=="})",
        R"({"type":1,"name":"big","size":5,"payload":"!!!!!!!!!!!="})"})
    CHECK(code_of([&] { assembled({.gz = gz_of(std::string(line) + '\n'), .files = kept.files}); }) ==
          Errc::corrupt_tar_split);
}

TEST_CASE("what other writers make is assembled", "[archive][tar_split]") {
  auto const tar = sample();
  auto kept = keep(tar);
  auto const lines = lines_of(kept.gz);
  auto const middle = lines.find('\n', lines.size() / 2) + 1;
  kept.gz = gz_of(lines.substr(0, middle)) + gz_of(lines.substr(middle)) + gz_of("");
  CHECK(assembled(kept, 1) == tar);
  kept.gz = gz_of(lines + R"({"type":2,"payload":"","position":99})"
                          "\n");  // as 1.43 ends its files
  CHECK(assembled(kept) == tar);
  kept.gz = gz_of(lines + R"({"type":2,"payload":null,"position":99})"
                          "\n\n");
  CHECK(assembled(kept) == tar);
  CHECK(assembled({.gz = gz_of("")}).empty());
  // A hard link whose header has a size: Go keeps the size, and the checksum of no bytes.
  CHECK(assembled({.gz = gz_of(R"({"type":1,"name":"l","size":3,"payload":"AAAAAAAAAAA=","position":3})"
                               "\n")})
            .empty());
}

TEST_CASE("assembling reports progress and stops when asked", "[archive][tar_split]") {
  auto const tar = sample();
  auto const kept = keep(tar);
  Text out;
  std::stop_source stop;
  Progress last;
  std::size_t files = 0;
  auto const run = [&] {
    Chunks in(kept.gz);
    assemble(in,
             [&](std::string const& name, Writer& to) {
               ++files;
               to.write(as_bytes(kept.files.at(name)));
             },
             out, {.progress = [&](Progress const& p) { last = p; }, .stop = stop.get_token()});
  };
  run();
  CHECK(last.bytes == tar.size());
  CHECK(last.entries == 8);
  CHECK(last.phase == Phase::export_layer);
  stop.request_stop();
  files = 0;
  CHECK(code_of(run) == Errc::stopped);
  CHECK(files == 0);
}

TEST_CASE("no tar-split makes assembling fail in another way than by an Error", "[archive][tar_split]") {
  auto const kept = keep(sample());
  auto const lines = lines_of(kept.gz);
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    auto text = lines;
    for (auto edits = random() % 3 + 1; edits != 0; --edits) {
      auto const at = random() % text.size();
      if (random() % 2 == 0)
        text[at] = "{}\":,\\\n0A="[random() % 10];
      else
        text.erase(at, random() % 100);
    }
    auto const code = code_of([&] { assembled({.gz = gz_of(text), .files = kept.files}, 777); });
    REQUIRE((!code || code == Errc::corrupt_tar_split || code == Errc::file_changed ||
             code == std::errc::no_such_file_or_directory));
    auto gz = kept.gz;
    gz[random() % gz.size()] = static_cast<char>(random());
    auto const damage = code_of([&] { assembled({.gz = gz, .files = kept.files}); });
    REQUIRE((!damage || damage == Errc::corrupt_tar_split || damage == Errc::file_changed));
  }
}
